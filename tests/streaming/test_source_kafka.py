import sys

import pytest

from skdqm.exceptions import DataError, MissingDependencyError, UsageError
from skdqm.streaming import _source_kafka
from skdqm.streaming._patience import Patience
from skdqm.streaming._source_kafka import KafkaTopic
from tests.streaming.kafka import running_broker
from tests.streaming.sources import layout, read_all, reasons, values


@pytest.fixture
def broker():
    with running_broker() as made:
        yield made


def topic(url, at=None, said=None, **patience):
    patience = {"follow": False, "poll": 0.05, **patience}
    say = (lambda message: None) if said is None else said.append
    source = KafkaTopic(url, layout("a"), Patience(**patience), say)
    if at is not None:
        source.seek(at)
    return source


def test_messages_of_all_partitions_are_read_to_their_ends(broker):
    broker.send({"a": 1, "run": 7}, [2])
    broker.send({"a": 3}, partition=1)
    found = read_all(topic(broker.url))
    assert sorted(values(found)) == [(1,), (2,), (3,)]
    assert [each for _, _, each in found if each["partition"] == 0] == [
        {"partition": 0, "offset": 0, "run": 7},
        {"partition": 0, "offset": 1},
    ]


def test_reading_on_from_any_position_gives_the_rest(broker):
    for number in range(6):
        broker.send([number], partition=number % 2)
    found = read_all(topic(broker.url))
    for _, position, _ in found:
        rest = read_all(topic(broker.url, at=position))
        read = {(int(part), n) for part, end in position.items() for n in range(end)}
        assert {(each["partition"], each["offset"]) for _, _, each in rest} == {
            (part, n) for part in (0, 1) for n in range(3)
        } - read
    assert found[-1][1] == {"0": 3, "1": 3, "2": 0, "3": 0}


def test_messages_that_are_no_events_are_malformed_with_their_offsets(broker):
    broker.send(b"no", None, {"b": 1}, b"\xff", [4])
    found = read_all(topic(broker.url))
    assert values(found) == [(4,)]
    assert [reason[:8] for reason in reasons(found)] == [
        "not JSON",
        "not JSON",
        "the feat",
        "not UTF-",
    ]
    assert [each["offset"] for _, _, each in found] == [0, 1, 2, 3, 4]


def test_new_messages_are_waited_for(broker):
    broker.send([1])
    source = topic(broker.url, follow=True)
    batches = iter(source)
    assert next(batches).events.tolist() == [[1]]
    broker.send([2])
    assert next(batches).events.tolist() == [[2]]
    batches.close()


def test_it_ends_when_nothing_comes_for_a_while(broker):
    broker.send([1])
    assert values(read_all(topic(broker.url, follow=True, until_idle=2.0))) == [(1,)]


def test_latest_begins_with_new_messages_and_its_position_keeps_all_partitions(broker):
    broker.send([1])
    broker.send([1], [1], partition=1)
    source = topic(f"{broker.url}?auto.offset.reset=latest", follow=True, until_idle=4.0)
    patience = source._patience

    def lasts():
        patience.lasts = type(patience).lasts.__get__(patience)
        broker.send([2])
        return True

    patience.lasts = lasts
    found = read_all(source)
    assert values(found) == [(2,)]
    assert found[0][1] == {"0": 2, "1": 2, "2": 0, "3": 0}


@pytest.mark.parametrize(("begin", "what"), [(9, "made anew"), (-3, "3 messages are lost")])
def test_offsets_that_the_broker_does_not_hold_are_said(broker, begin, what):
    said = []
    broker.send([1])
    assert values(read_all(topic(broker.url, at={"0": begin}, said=said))) == [(1,)]
    assert what in said[0]


def test_partitions_that_are_added_are_read(broker, monkeypatch):
    monkeypatch.setattr(_source_kafka, "_NEW_PARTITIONS", 0.0)
    broker.send([1])
    broker.send([2], partition=1)
    known = iter([{0}, {0, 1}])
    source = topic(broker.url, follow=True, until_idle=3.0)
    monkeypatch.setattr(source, "_partitions", lambda consumer: next(known, {0, 1}))
    found = read_all(source)
    assert sorted(values(found)) == [(1,), (2,)]
    assert found[-1][1] == {"0": 1, "1": 1}


def test_no_broker_and_no_topic_are_errors_that_name_them(broker, monkeypatch):
    monkeypatch.setattr(_source_kafka, "_TIMEOUT", 0.5)
    with pytest.raises(DataError, match="kafka://localhost:1:"):
        read_all(topic("kafka://localhost:1/events"))
    broker.send([1], topic="others")
    monkeypatch.setattr(_source_kafka, "_TIMEOUT", 10.0)
    with pytest.raises(DataError, match=r"topic 'none.*the broker has .*'others'"):
        read_all(topic(f"kafka://{broker.address}/none"))


def test_a_broker_that_falls_silent_ends_what_is_not_followed(broker, monkeypatch):
    broker.send([1])
    source = topic(broker.url)
    monkeypatch.setattr(source, "_ends", lambda messages: set())
    batches = iter(source)
    next(batches)
    monkeypatch.setattr(_source_kafka, "_TIMEOUT", 0.3)
    with pytest.raises(DataError, match="no answer"):
        list(batches)


@pytest.mark.parametrize(
    "url",
    ["kafka://b:1", "kafka://b:1/", "kafka:///t", "kafka://b:1/t/u", "kafka://b:1/t?no.such=1"],
)
def test_an_address_that_makes_no_sense_is_refused(url):
    pytest.importorskip("confluent_kafka")
    with pytest.raises(UsageError, match="kafka://"):
        read_all(topic(url))


def test_secrets_are_read_from_files(tmp_path):
    pytest.importorskip("confluent_kafka")
    (tmp_path / "password").write_text("s3cret\n")
    url = f"kafka://b:1,c:2/t?sasl.username=me&sasl.password=@{tmp_path}/password"
    assert _source_kafka._parts_of(url) == (
        "b:1,c:2",
        "t",
        {"sasl.username": "me", "sasl.password": "s3cret"},
    )
    with pytest.raises(UsageError, match="cannot read"):
        topic("kafka://b:1/t?sasl.password=@/no/such/file")


def test_without_the_client_the_error_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "confluent_kafka", None)
    with pytest.raises(MissingDependencyError, match=r"skdqm\[kafka\]"):
        topic("kafka://b:1/t")
