"""The example apps that a first file may start from, with what was published of each beside the model."""

import re

import numpy as np
import pytest

import model
from model import cost, ledger, paths
from model.apps.cli.new import Start, new
from model.cost import break_even

PUBLISHED = ledger.read_csv(paths.data("published", "apps.csv"))
APPS = sorted({row["scenario"] for row in PUBLISHED})
LEFT_OUT = {"push.socket.grace_s": 0, "push.socket.blocked_share": 0}  # of accounts: sockets without a screen, and
LOST = {"losses_per_hour": 0, "nat_timeout_s": 1e6}  # lost connections


def as_counted(name):
    """The outcome of an example at its modes without what its account leaves out."""
    case = model.load(name)
    lost = {f"networks.{network}.{key}": value for network in case.networks for key, value in LOST.items()}
    return model.evaluate(case.with_({**LEFT_OUT, **lost}))


def of_gateway(outcome, side):
    meters = {name: float(np.ravel(n)[0]) for name, n in side.usage.items() if name.startswith("apigw_")}
    return meters, cost.total(meters, outcome.scenario.price_book())


def figures(name):
    """What the model says of each published figure of an example."""
    outcome = as_counted(name)
    poll, push = outcome["poll"], outcome["push"]
    count = {
        (which, flow.name): float(np.ravel(flow.per_month)[0])
        for which, side in (("poll", poll), ("push", push))
        for flow in side.traffic.flows
    }
    sessions, active_s = (float(np.ravel(n)[0]) for n in (push.traffic.life.sessions, push.traffic.life.active_s))
    if name == "chat":
        meters, usd = of_gateway(outcome, push)
        return {
            "messages told a month": count["push", "push message"],
            "messages sent a month": count["push", "send"],
            "connection minutes a month": meters["apigw_ws_minute"],
            "USD of gateway a month": usd,
        }
    if name == "delivery":
        payload = float(outcome.scenario.events["position"].payload_bytes)
        return {
            "polls in a session": count["poll", "poll poll"] / sessions,
            "connections in a session": count["push", "connect"] / sessions,
            "payload at 100 000 at once": count["push", "push position"] / active_s * payload * 100_000 / 1e6,
        }
    polls = count["poll", "poll poll"]
    answer_bytes = outcome.scenario.designs["poll"].timers["poll"].response_bytes.mode
    return {
        "polls a month": polls / 1e9,
        "USD of gateway a month": of_gateway(outcome, poll)[1],
        "answers a month": polls * answer_bytes / 1e12,
    }


@pytest.mark.parametrize("name", APPS)
def test_what_was_published_of_an_example_is_what_the_model_gives(name):
    found = figures(name)
    rows = [row for row in PUBLISHED if row["scenario"] == name]
    assert found.keys() == {row["what"] for row in rows}
    for row in rows:  # the tolerance is that of the row, whose note says why; 1e-9 is algebra
        wanted, tolerance = float(row["published"]), max(float(row["tolerance"]), 1e-9)
        assert found[row["what"]] == pytest.approx(wanted, rel=tolerance), row["what"]
        assert row["source"] in ledger.sources()


def test_the_readme_prints_beside_each_example_what_was_published_and_what_the_model_gives():
    text = (paths.PACKAGE.parent / "README.md").read_text(encoding="utf-8")
    printed = {name: rest.split("|") for name, rest in re.findall(r"^\| `(\w+)`, [^|]+\|(.+)\|$", text, re.M)}
    assert sorted(printed) == APPS
    for name, (published, found) in printed.items():
        said, model_s = (
            [float(n.replace(",", "")) for n in re.findall(r"\d[\d,.]*\d", part)] for part in (published, found)
        )
        accounts, figure = [float(row["published"]) for row in PUBLISHED if row["scenario"] == name], figures(name)
        assert set(said) - {100_000.0} <= set(accounts), name  # rides at once, which that figure is for
        for one in model_s:  # as many digits as are printed
            assert any(
                float(f"{float(x):.{len(str(one).partition('.')[2])}f}") == one or round(float(x)) == one
                for x in figure.values()
            ), one


@pytest.mark.parametrize("name", [str(start) for start in Start])
def test_a_first_file_is_short_loads_without_a_warning_and_has_every_row(name, tmp_path, monkeypatch, capsys, recwarn):
    monkeypatch.chdir(tmp_path)
    new("mine", yes=True, start=Start(name))
    text = (tmp_path / "mine.yaml").read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 35 and "title: mine\n" in text and "schema.json" not in text
    assert "note" in text or name == "blank"
    assert not re.search("(?i)twilly|broadcast(er|ing)|video", text + capsys.readouterr().out)
    assert not [one for one in recwarn if "far outside" in str(one.message)]
    table = model.before_after("mine.yaml")
    assert table[["before", "after"]].notna().all(axis=None) and (table["verdict"] == "").all()
    if name != "blank":
        assert table.equals(model.before_after(name))


def test_push_is_not_always_the_answer_among_the_examples():
    cheapest = {name: model.compare(name).loc["cost", "best"] for name in APPS}
    assert cheapest["delivery"] == "slow_poll" and cheapest["dashboard"] == "own_push"


@pytest.mark.parametrize("name", ["dashboard", "chat"])
def test_an_app_that_is_open_all_day_has_its_break_even_within_the_24_hours(name):
    case = model.load(name)
    table = break_even.table(case)
    hours = table.filter(like="active hours", axis=0)
    assert len(hours) == 2 and (hours["here"] > 0).all()
    found = hours[["break_even", "last"]].to_numpy(dtype=float)
    assert np.all((found <= 24 * case.billing.month_days) | np.isnan(found))
