"""Who may use the service: tokens, failures, headers."""

import time
from collections import OrderedDict
from collections.abc import Sequence
from hashlib import sha256
from hmac import compare_digest
from os import PathLike
from pathlib import Path
from threading import Lock

from skdqm.exceptions import UsageError
from skdqm.service._errors import RequestError

ANONYMOUS = "anonymous"
SHORTEST_TOKEN, LONGEST_NAME = 16, 100
# Failures of one address in so many seconds, after which it has to wait; addresses remembered.
MOST_FAILURES, SECONDS, MOST_ADDRESSES = 10, 60.0, 10_000


class Tokens:
    """Names of those who may use the service, by the hash of their tokens.

    Parameters
    ----------
    tokens : sequence of (str, str)
        Names and tokens, a name with several while they are exchanged; none: whoever asks may.
    """

    def __init__(self, tokens: Sequence[tuple[str, str]]) -> None:
        self._hashes = [(name, _hash(token)) for name, token in tokens]

    @classmethod
    def of(cls, path: str | PathLike[str] | None) -> "Tokens":
        """Read a file of lines ``NAME TOKEN``; comments begin with #.

        Raises
        ------
        UsageError
            When it cannot be read, or a line is none of these. No token is ever shown.
        """
        if path is None:
            return cls([])
        try:
            lines = Path(path).read_text(encoding="utf-8").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            reason = getattr(error, "strerror", None) or "it is no text"
            raise UsageError(f"{path}: cannot read the tokens: {reason}") from error
        found = []
        for number, line in enumerate(lines, start=1):
            words = line.split()
            if words and not words[0].startswith("#"):
                found.append(_entry(words, f"{path}, line {number}"))
        if not found:
            raise UsageError(f"{path}: found no token; expected lines NAME TOKEN")
        return cls(found)

    @property
    def are_needed(self) -> bool:
        """Whether there are any."""
        return bool(self._hashes)

    def owner(self, token: str) -> str | None:
        """Return whose token it is, in a time that does not depend on what is right about it."""
        asked, found = _hash(token), None
        for name, known in self._hashes:
            if compare_digest(asked, known):
                found = name
        return found


class Failures:
    """Counts failures by address: who has failed too often has to wait."""

    def __init__(self) -> None:
        self._of: OrderedDict[str, tuple[int, float]] = OrderedDict()
        self._lock = Lock()

    def check(self, address: str) -> None:
        """Refuse an address that has failed too often."""
        with self._lock:
            count, since = self._recent(address)
        if count >= MOST_FAILURES:
            left = max(1, round(since + SECONDS - time.monotonic()))
            raise RequestError(429, f"too many wrong tokens; try again in {left} seconds")

    def add(self, address: str) -> None:
        """Take a failure."""
        with self._lock:
            count, since = self._recent(address)
            self._of[address] = (count + 1, since)
            self._of.move_to_end(address)
            while len(self._of) > MOST_ADDRESSES:
                self._of.popitem(last=False)

    def _recent(self, address: str) -> tuple[int, float]:
        now = time.monotonic()
        count, since = self._of.get(address, (0, now))
        return (0, now) if now - since > SECONDS else (count, since)


def _entry(words: list[str], where: str) -> tuple[str, str]:
    if len(words) != 2:
        raise UsageError(f"{where}: expected NAME TOKEN, found {len(words)} words")
    name, token = words
    if len(name) > LONGEST_NAME:
        raise UsageError(f"{where}: the name has {len(name)} characters, expected {LONGEST_NAME}")
    if len(token) < SHORTEST_TOKEN:
        raise UsageError(
            f"{where}: the token of {name!r} has {len(token)} characters, expected "
            f"{SHORTEST_TOKEN} or more; make one with: python -c 'import secrets; "
            "print(secrets.token_urlsafe(32))'"
        )
    return name, token


def _hash(token: str) -> bytes:
    # Of equal lengths, so that the comparison tells nothing; surrogates come from bad headers.
    return sha256(token.encode("utf-8", "surrogatepass")).digest()
