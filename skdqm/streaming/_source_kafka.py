"""The messages of a Kafka topic as events."""

from collections.abc import Iterator
from pathlib import Path
from time import monotonic
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from skdqm._messages import listed
from skdqm._optional import require
from skdqm.exceptions import DataError, UsageError
from skdqm.streaming._layout import Layout
from skdqm.streaming._patience import Patience
from skdqm.streaming._records import JsonRecords
from skdqm.streaming._source import Batch, Gatherer, Position, Say

KAFKA = "kafka://"
# Seconds that a broker may take to answer, and between two looks for new partitions.
_TIMEOUT, _NEW_PARTITIONS = 10.0, 30.0
_AT_ONCE = 1000
_START = "auto.offset.reset"
_LATEST = ("latest", "largest", "end")


class KafkaTopic:
    """Values of messages, each a JSON object or array.

    Offsets are kept with the events, in the checkpoint of who judges them, and not in the broker,
    which could not store them in one stroke with the verdicts.

    Parameters
    ----------
    address : str
        ``kafka://broker:port/topic``, or several brokers between commas. Behind ``?`` come
        properties of librdkafka, such as ``security.protocol=SSL``; with
        ``auto.offset.reset=latest`` it begins with new messages. ``@FILE`` is what a file holds.
    layout : Layout
        What the model takes.
    patience : Patience
        How long to wait.
    say : callable
        Takes messages.
    """

    def __init__(self, address: str, layout: Layout, patience: Patience, say: Say) -> None:
        self._brokers, self._topic, self._properties = _parts_of(address)
        self._records, self._patience, self._say = JsonRecords(layout), patience, say
        self._kafka = require("confluent_kafka", extra="kafka")
        self._offsets: Position = {}
        self._said: set[str] = set()

    def seek(self, position: Position) -> None:
        """Begin behind the event that this position belongs to."""
        self._offsets = {str(int(number)): offset for number, offset in position.items()}

    def __iter__(self) -> Iterator[Batch]:
        """Yield batches."""
        consumer = self._consumer()
        try:
            yield from self._read(consumer)
        except self._kafka.KafkaException as error:
            raise DataError(f"{KAFKA}{self._brokers}: {error.args[0].str()}") from error
        finally:
            consumer.close()

    def _consumer(self) -> Any:
        settings = {
            "group.id": "skdqm-watch",
            _START: "earliest",
            "log_level": 0,
            **self._properties,
            "bootstrap.servers": self._brokers,
            "enable.auto.commit": False,
            "enable.partition.eof": True,
            "error_cb": self._heard,
        }
        try:
            return self._kafka.Consumer(settings)
        except self._kafka.KafkaException as error:
            raise UsageError(f"{KAFKA}{self._brokers}: {error.args[0].str()}") from error

    def _heard(self, error: Any) -> None:
        """Say what is wrong with the connection, once; the client goes on trying."""
        if error.str() not in self._said:
            self._said.add(error.str())
            self._say(f"{KAFKA}{self._brokers}: {error.str()}")

    def _read(self, consumer: Any) -> Iterator[Batch]:
        partitions = self._partitions(consumer)
        is_latest = self._properties.get(_START) in _LATEST
        consumer.assign([self._placed(consumer, number, is_latest) for number in partitions])
        at_end: set[int] = set()
        looked = answered = monotonic()
        while not self._patience.is_stopped and (self._patience.follow or at_end != partitions):
            messages = consumer.consume(_AT_ONCE, self._patience.poll)
            at_end |= self._ends(messages)
            events = [message for message in messages if message.error() is None]
            if events:
                self._patience.found()
                yield from self._batches(events)
            elif not self._patience.lasts() and self._patience.follow:
                return
            now = monotonic()
            answered = now if messages else answered
            if not self._patience.follow and now - answered > _TIMEOUT:
                raise DataError(f"{KAFKA}{self._brokers}: no answer for {_TIMEOUT:.0f} s")
            if self._patience.follow and now - looked > _NEW_PARTITIONS:
                looked, partitions = now, self._with_new(consumer, partitions)

    def _ends(self, messages: list[Any]) -> set[int]:
        """Return the partitions that are read to their ends, and say what else is wrong."""
        errors = [message for message in messages if message.error() is not None]
        end = self._kafka.KafkaError._PARTITION_EOF  # noqa: SLF001 (so it is called)
        for message in errors:
            if message.error().code() != end:
                self._heard(message.error())
        return {each.partition() for each in errors if each.error().code() == end}

    def _batches(self, messages: list[Any]) -> list[Batch]:
        gatherer = Gatherer()
        for message in messages:
            partition, offset, value = message.partition(), message.offset(), message.value()
            # A new one for each event: positions are kept.
            self._offsets = {**self._offsets, str(partition): offset + 1}
            about = {"partition": partition, "offset": offset}
            try:
                record = self._records.read(value or b"")
            except DataError as error:
                gatherer.refuse(str(error), value or b"", self._offsets, about)
            else:
                gatherer.add(record, self._offsets, about)
        return gatherer.batches()

    def _partitions(self, consumer: Any) -> set[int]:
        found = consumer.list_topics(self._topic, timeout=_TIMEOUT).topics[self._topic]
        if found.error is None:
            return set(found.partitions)
        others = sorted(consumer.list_topics(timeout=_TIMEOUT).topics)
        raise DataError(
            f"{KAFKA}{self._brokers}: topic {self._topic!r}: {found.error.str()}; the broker has "
            f"{listed(others) or 'none'}"
        )

    def _with_new(self, consumer: Any, known: set[int]) -> set[int]:
        """Read partitions that were added, from their beginning."""
        added = self._partitions(consumer) - known
        if added:
            self._say(f"{KAFKA}{self._brokers}/{self._topic}: new partitions {sorted(added)}")
            consumer.incremental_assign([self._placed(consumer, each) for each in sorted(added)])
        return known | added

    def _placed(self, consumer: Any, number: int, is_latest: bool = False) -> Any:  # noqa: FBT001, FBT002
        """Return where to begin in a partition."""
        place = self._kafka.TopicPartition(self._topic, number)
        low, high = consumer.get_watermark_offsets(place, timeout=_TIMEOUT)
        begin = self._offsets.get(str(number), high if is_latest else low)
        if not low <= begin <= high:
            self._say(
                f"{KAFKA}{self._brokers}/{self._topic}: partition {number} holds the offsets "
                f"{low:,} to {high:,}, and {begin:,} was to come next: "
                + (f"{low - begin:,} messages are lost" if begin < low else "it was made anew")
            )
            begin = low
        self._offsets = {**self._offsets, str(number): begin}
        place.offset = begin
        return place


def _parts_of(address: str) -> tuple[str, str, dict[str, str]]:
    """Return brokers, topic and properties."""
    parts = urlsplit(address)
    topic = parts.path.strip("/")
    if not parts.netloc or not topic or "/" in topic:
        raise UsageError(f"{address}: expected {KAFKA}broker:port/topic")
    pairs = parse_qsl(parts.query, keep_blank_values=True)
    return parts.netloc, topic, {name: _secret(value) for name, value in pairs}


def _secret(value: str) -> str:
    """Return a value, or what the file holds that it names: others see the words of a command."""
    if not value.startswith("@"):
        return value
    try:
        return Path(value[1:]).read_text(encoding="utf-8").strip()
    except OSError as error:
        raise UsageError(f"{value}: cannot read: {error.strerror}") from error
