"""The exporters of torch warn and log of their own matters; users cannot act on it."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from warnings import catch_warnings, filterwarnings

LOGGERS = ("torch.onnx", "torch.export", "onnxscript", "onnx_ir")


@contextmanager
def quiet_torch() -> Iterator[None]:
    """Hide deprecations inside torch and onnxscript, and what they log below an error."""
    loggers = [logging.getLogger(name) for name in LOGGERS]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.ERROR)
    try:
        with catch_warnings():
            for category in (DeprecationWarning, FutureWarning):
                filterwarnings("ignore", category=category)
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
