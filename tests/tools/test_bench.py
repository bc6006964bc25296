"""What the bench of real sockets refuses before it opens one, and the certificates it makes."""

import importlib.util
import re
import sys
from dataclasses import replace

import pytest

pytest.importorskip("aiohttp")
pytest.importorskip("websockets")
pytest.importorskip("cryptography")
pytest.importorskip("amqtt")
if not sys.platform.startswith("linux"):
    pytest.skip("TCP_INFO with byte counts is Linux's", allow_module_level=True)

from model import checks
from tools import bench
from tools.bench import tls
from tools.bench.flows import FLOWS, Hour
from tools.bench.timing import Timing

POLL = next(flow for flow in FLOWS if flow.name == "poll" and flow.protocol == "http/1.1")
FEW_EVENTS = Timing(events=600, events_per_s=250, probe_events=150, push_clients=40)


@pytest.mark.parametrize(
    "wrong, sentence",
    [
        ({"port": 70_000}, "port must be a whole number from 0 to 65535; got 70000"),
        ({"what": ["byte"]}, "unknown measurement 'byte'; did you mean 'bytes'"),
        ({"spacing_s": 0.05}, "spacing_s must be at least 0.2 s, or ACKs ride along; got 0.05"),
        ({"occurrences": -1}, "occurrences must be > 0; got -1"),
        ({"occurrences": 2.5}, "occurrences must be a whole number >= 0; got 2.5"),
        ({"hour_share": 1.5}, "hour_share must be between 0 and 1; got 1.5"),
        ({"hours": (Hour("polling", "http/1.1", {"pol": 1}),)}, "unknown flow 'pol'; did you mean 'poll'"),
    ],
)
def test_a_wrong_parameter_is_one_sentence_and_nothing_is_written(tmp_path, wrong, sentence):
    with pytest.raises(checks.InputError, match=re.escape(sentence)):
        bench.measure(tmp_path, **{"what": ["bytes"], **wrong})
    assert not list(tmp_path.iterdir())


def test_a_file_in_place_of_the_folder_is_one_sentence(tmp_path):
    (tmp_path / "taken").write_text("")
    with pytest.raises(checks.InputError, match="out_dir must be a folder that can be written; got"):
        bench.measure(tmp_path / "taken")


@pytest.mark.parametrize(
    "wrong, sentence",
    [
        ({"kind": "exchagne"}, "unknown kind of flow 'exchagne'; did you mean 'exchange'"),
        ({"protocol": "http/3"}, "unknown protocol 'http/3'; did you mean 'http/"),
        ({"up_bytes": -1}, "up_bytes must be a whole number >= 0 B; got -1"),
        ({"down_bytes": 1.5}, "down_bytes must be a whole number >= 0 B; got 1.5"),
        ({"server_s": -1}, "server_s must be >= 0 s; got -1"),
    ],
)
def test_a_flow_that_cannot_be_is_refused(wrong, sentence):
    with pytest.raises(checks.InputError, match=re.escape(sentence)):
        replace(POLL, **wrong)


@pytest.mark.parametrize(
    "wrong, sentence",
    [
        ({"compression": 40}, "timing.period_s / compression must exceed a slow round trip of"),
        ({"events": 0}, "timing.events must be at least 2; got 0"),
        ({"push_clients": 1.5}, "timing.push_clients must be a whole number >= 0; got 1.5"),
        ({"server_s": -1}, "timing.server_s must be >= 0; got -1"),
    ],
)
def test_a_timing_that_cannot_be_is_refused(wrong, sentence):
    with pytest.raises(checks.InputError, match=re.escape(sentence)):
        replace(FEW_EVENTS, **wrong)


def test_a_missing_library_is_one_sentence_with_the_way_out(tmp_path, monkeypatch):
    found = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "h2" else found(name))
    with pytest.raises(checks.InputError, match="needs h2, not installed here; in the clone: pip install -e"):
        bench.measure(tmp_path)


def test_an_unknown_chain_is_refused(tmp_path):
    with pytest.raises(checks.InputError, match="unknown certificate chain 'rsa5'; did you mean 'rsa"):
        tls.make_chain("rsa5", tmp_path)


@pytest.mark.parametrize(
    "name, sizes",
    [("rsa4", (1_535, 1_092, 1_180, 1_161)), ("rsa3", (1_535, 1_092, 1_180)), ("ecdsa3", (1_141, 696, 976))],
)
def test_certificates_have_the_sizes_of_an_amazon_like_chain(tmp_path, name, sizes):
    made = tls.make_chain(name, tmp_path)
    # an ECDSA signature is 70 to 72 B long: signing again nearly always hits the size, a byte is allowed
    assert made.der_bytes == pytest.approx(sizes, abs=1 if name == "ecdsa3" else 0)
