"""A broker for tests: that which librdkafka has built in.

It lives in the process of its client, speaks Kafka's protocol over TCP with any other client, and
keeps messages in memory. It is no real broker: no disk, no replication, no retention.
"""

import json
from contextlib import contextmanager

import pytest

TOPIC = "events"


class Broker:
    """Where it is, and a way to write to it."""

    def __init__(self, kafka, owner):
        (broker,) = owner.list_topics(timeout=10).brokers.values()
        self.address = f"{broker.host}:{broker.port}"
        self.url = f"kafka://{self.address}/{TOPIC}"
        # A client of its own: over TCP, as any other.
        self._producer = kafka.Producer({"bootstrap.servers": self.address, "log_level": 0})

    def send(self, *values, partition=0, topic=TOPIC):
        for value in values:
            raw = value if value is None or isinstance(value, bytes) else json.dumps(value).encode()
            self._producer.produce(topic, value=raw, partition=partition)
        assert self._producer.flush(10) == 0


@contextmanager
def running_broker():
    kafka = pytest.importorskip("confluent_kafka")
    settings = {"bootstrap.servers": "none", "test.mock.num.brokers": 1, "log_level": 0}
    owner = kafka.Producer(settings)
    yield Broker(kafka, owner)
