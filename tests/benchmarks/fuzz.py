"""Inputs of every kind, broken at random: each is taken or refused in one sentence, and soon.

`python tests/benchmarks/fuzz.py scenarios 0 1000` tries cases 0 to 999 of a kind and names those that go wrong;
`python tests/benchmarks/fuzz.py scenarios 4711` shows one. A case depends on its kind and number alone.
"""

import contextlib
import copy
import itertools
import json
import math
import random
import resource
import signal
import sys
import tempfile
import time
import warnings
from collections import Counter
from pathlib import Path

import numpy as np

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT.parent)]  # small_notebooks, and the project where it is not installed

from model import audit, checks, evaluate, ledger, load, paths, prices  # noqa: E402
from model.apps import notebooks  # noqa: E402
from model.apps.batch import grid  # noqa: E402
from model.apps.notebooks import processes  # noqa: E402
from model.scenario import read_yaml  # noqa: E402

ALL = {"scenarios": 10_000, "claims": 2_000, "prices": 1_000, "notebooks": 500, "grids": 1_000}
MOST_S, MOST_LETTERS = 5.0, 600  # of processor a case; of a refusal with several mistakes in it
NASTY = [
    *(
        0,
        1,
        -1,
        0.5,
        1e3,
        1e6,
        1e9,
        1e18,
        1e30,
        1e160,
        1e300,
        1e308,
        1e-9,
        1e-300,
        5e-324,
        -1e300,
        2**31,
        2**63,
        10**77,
    ),
    *(math.inf, -math.inf, math.nan, True, False, None, "", " ", "x", "twilly", "before", "read", "../../etc/passwd"),
    *("\x00", "\x1b[31m", "[/b]", "<script>", "=cmd()", "приложение", "\u202e", "{}", "*", "%s", "1e3", "a.b.c", "~"),
    *([], [1], [[1]], {}, {"a": 1}, [None], {"mode": 1}, {"low": 2, "mode": 1, "high": 0}, {"chance": 2}),
    *({"low": 0, "mode": 1, "high": 1e300}, {"low": 1e-9, "mode": 1, "high": 1e9}, {"low": None, "mode": None}),
    *("2026-13-45", "1970-01-01", "us-east-1", "eu-central-2", 10**400, "a" * 100_000, list(range(2000))),
]
SCALES = (0.0, 1e-9, 1e-6, 1e-3, 0.1, 0.7, 1.3, 10, 1e3, 1e6, 1e9, -1)
WORDS = ["[", "]", "{", "}", ":", ",", "&a", "*a", "!!python/object:os.system ", "\t", "\x00", "-", "#", "'", '"', "|"]
WORDS += ["<<: ", "extends: ", "like: ", "null", ".nan", ".inf", "1e999", "0x1F", "1_000", "---\n", "\ufeff", "\ud800"]


# ---- what is broken at random: a content, a text


def leaves(content, path=()):
    """Every place of a content but the whole."""
    items = content.items() if isinstance(content, dict) else enumerate(content) if isinstance(content, list) else ()
    for key, value in items:
        yield (*path, key)
        yield from leaves(value, (*path, key))


def at(content, path):
    for key in path:
        content = content[key]
    return content


def broken(rng, content, times=None):
    """A content with a few of its places changed, taken away, renamed, exchanged or scaled."""
    content = json.loads(json.dumps(content, default=str))
    for _ in range(times or rng.choice([1, 1, 1, 2, 3, 6])):
        places = list(leaves(content))
        if not places:
            break
        place = rng.choice(places)
        above, key = at(content, place[:-1]), place[-1]
        value, kind = above[key], rng.random()
        number = isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) < 1e300
        if kind < 0.35 and number:
            above[key] = value * rng.choice(SCALES)
        elif kind < 0.65:
            above[key] = copy.deepcopy(rng.choice(NASTY))
        elif kind < 0.75:
            del above[key]
        elif kind < 0.8 and isinstance(above, dict):
            above[rng.choice([f"{key}s", key.upper(), "x", "mode", "like"])] = above.pop(key)
        elif kind < 0.9:
            above[key] = json.loads(json.dumps(at(content, rng.choice(places[:200]))))
        else:
            above[key] = rng.choice(
                [[value], {"mode": value}, {"low": value, "mode": value, "high": value}, str(value)]
            )
    return content


def scrambled(rng, text):
    """A text with a few lines taken away, doubled or exchanged, and letters put in."""
    for _ in range(rng.choice([1, 1, 2, 5])):
        lines, kind = text.split("\n"), rng.random()
        k, j = rng.randrange(len(lines)), rng.randrange(len(lines))
        if kind < 0.2:
            del lines[k]
        elif kind < 0.4:
            lines[k], lines[j] = lines[j], lines[k]
        elif kind < 0.5:
            lines.insert(k, lines[j])
        elif kind < 0.6:
            lines[k] = " " * rng.randrange(1, 5) + lines[k]
        elif kind < 0.65:
            lines = lines[:k]
        else:
            where = rng.randrange(len(lines[k]) + 1)
            lines[k] = lines[k][:where] + rng.choice(WORDS) + lines[k][where + rng.randrange(3) :]
        text = "\n".join(lines)
    return text


def bomb(rng):
    """A text that is small or plain and costs much to read."""
    deep, key = rng.choice([50, 500, 20_000]), rng.choice(["users", "ledger", "events", "grid", "claims", "x"])
    ones = ", ".join(["x"] * 9)
    aliases = [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9) if n else ones}]" for n in range(rng.choice([3, 9]))]
    return rng.choice(
        [
            f"{key}: {'[' * deep}{']' * deep}",
            f"{key}: " + "{a: " * deep + "1" + "}" * deep,
            "\n".join("  " * n + "a:" for n in range(deep // 10)),
            "- " * deep,
            f"{key}:\n  " + "\n  ".join(aliases),
            f"{key}: &a [*a]",
            f"{key}: {'9' * 100_000}",
            f"{'k' * 100_000}: 1",
            "\n".join(f"k{n}: {n}" for n in range(20_000)),
            f"{key}: [{', '.join(map(str, range(100_000)))}]",
            "",
            "\ufeffusers: 1",
            f"{key}: 0x{'f' * 20_000}",
        ]
    )


def written(content):
    """A content as YAML, of which JSON is a part but for infinity and NaN."""
    return json.dumps(content, indent=1).replace("Infinity", ".inf").replace("NaN", ".nan")


# ---- the kinds: each writes its case into a folder and gives what is to be done with it


def scenario_case(rng, folder):
    path, kind = folder / "mine.yaml", rng.random()
    if kind < 0.05:
        text = bomb(rng)
    elif kind < 0.2:
        name = rng.choice(["chat", "dashboard", "delivery", "polling_improved", "twilly_as_built"])
        text = scrambled(rng, paths.data("scenarios", f"{name}.yaml").read_text())
    elif kind < 0.25:
        text = scrambled(rng, paths.data("scenarios", "twilly.yaml").read_text())
    elif kind < 0.9:  # a few values of a large scenario
        base = rng.choice(["twilly", "twilly", "chat", "dashboard"])
        whole = read_yaml(paths.data("scenarios", f"{base}.yaml"))
        if kind < 0.5:
            keep = rng.sample(list(leaves(whole)), rng.choice([1, 1, 2, 4]))
            content = {}
            for place in keep:
                place = tuple(itertools.takewhile(lambda key: not isinstance(key, int), place))
                here = content
                for key in place[:-1]:
                    here = here.setdefault(key, {}) if isinstance(here.get(key, {}), dict) else {}
                here[place[-1]] = nasty_number(rng, at(whole, place))
            text = written({"extends": base, **content})
        else:
            text = written({"extends": base, **broken(rng, whole)})
    else:
        text = written({"claims": None, "ledger": {}, "prices": {}, **broken(rng, short_scenario(rng), 3)})
    if rng.random() < 0.15:  # numbers and prices of one's own, in the place of the project's
        name, row = rng.choice(list(ledger.chosen().items()))
        more = {"ledger": {name: nasty_number(rng, row.value)}}
        more |= {"prices": {"lambda_request": nasty_number(rng, 2e-7)}} if rng.random() < 0.3 else {}
        text = written(
            {
                "extends": "twilly",
                **more,
                rng.choice(["prices_on", "discounts", "billing"]): copy.deepcopy(rng.choice(NASTY)),
            }
        )
    path.write_text(text, encoding="utf-8", errors="surrogatepass")
    draws = rng.choice([0, 0, 0, 0, 0, 0, 0, 16, 16, 16])
    return lambda: told_of(load(path), draws)


def nasty_number(rng, value):
    """A value another way: scaled, a range around it, or another thing."""
    mode = value.get("mode", value.get("chance")) if isinstance(value, dict) else value
    if isinstance(mode, (int, float)) and not isinstance(mode, bool) and rng.random() < 0.7:
        mode *= rng.choice(SCALES)
        low, high = sorted((mode * rng.choice([1, 0.7, 1e-3, 0]), mode * rng.choice([1, 1.3, 1e3, 1e6])))
        return mode if rng.random() < 0.5 else {"low": low, "mode": mode, "high": high}
    return copy.deepcopy(rng.choice(NASTY))


def short_scenario(rng):
    """A file of ten lines as a user writes one."""
    event = {"per_active_day": 3, "recipients": 2, "online_share": 0.5, "payload_bytes": 200}
    names = ["poll_http_api", "poll_own_server", "websocket_api_gateway", "websocket_own_server", "poll_combined"]
    designs = {name: {"like": name} for name in rng.sample(names, rng.randrange(1, 4))}
    return {"users": 5000, "region": "us-east-1", "events": {"message": event}, "designs": designs}


def told_of(scenario, draws):
    """Every row of every design, refused where a figure is what it cannot be."""
    outcome = evaluate(scenario, draws=draws)
    tables = [outcome.table()] if len(scenario.designs) > 1 else []
    for name in scenario.designs:
        rows = {row: outcome.values(row, name) for row in ROWS}
        for row, values in rows.items():
            if (name, row) in outcome.notes:
                continue
            endless = np.isinf(values) & ("latency" in row)
            assert (np.isfinite(values) | endless).all(), f"{row} of {name} is not finite"
            low = -0.01 if row == "battery" else -1e-9
            assert (values >= low).all(), f"{row} of {name} is {values.min():g}"
        if not outcome.notes:
            late = rows["notification latency p95"] >= rows["notification latency p50"] * (1 - 1e-9)
            assert late.all(), f"p95 of {name} is below p50"
    return tables


ROWS = ["notification latency p50", "notification latency p95", "not told", "told in time 1 s", "told in time 10 s"]
ROWS += ["battery", "mobile data", "server load", "code runs", "cost"]


def read_sides(claims):
    return [side for one in claims for side in one.values() if isinstance(side, dict)]


def claims_case(rng, folder):
    whole, path, kind = read_yaml(paths.data("claims", "twilly.yaml")), folder / "claims.yaml", rng.random()
    few = json.loads(json.dumps(rng.sample(whole["claims"], rng.randrange(1, 4))))
    content = {**whole, "claims": few}
    for group, side in itertools.product(("factors", "parts", "implied_by", "priced", "part_of"), read_sides(few)):
        if rng.random() < 0.9 and '"claim"' in json.dumps(side.get(group)) or group == "part_of":
            side.pop(group, None)  # quotes of claims that are left out go as well
    if kind < 0.05:
        text = bomb(rng)
    elif kind < 0.2:
        text = scrambled(rng, written(content))
    else:
        text = written(broken(rng, content, rng.choice([1, 1, 2])))
    path.write_text(text, encoding="utf-8", errors="surrogatepass")

    def judged():
        table = audit.table("twilly", path, draws=0)
        return table, audit.errors("twilly", path), audit.shown(table), audit.summary(table)

    return judged


def prices_case(rng, folder):
    from model import readers

    lists = sorted((ROOT / "tools" / "price_lists").glob("*.*"))
    if rng.random() < 0.3:  # a price file of one's own
        text = paths.data("prices", "us-east-1.csv").read_text()
        head, *rows = text.splitlines()
        (folder / "us-east-1.csv").write_text(
            scrambled(rng, "\n".join([head, *rng.sample(rows, 12)])), encoding="utf-8", errors="surrogatepass"
        )
        return lambda: [float(t.price_usd) for t in prices.book("us-east-1", extra=folder).rows]
    source = rng.choice(lists)
    text, path = source.read_text(encoding="utf-8-sig"), folder / f"list{source.suffix}"
    if rng.random() < 0.06:
        text = rng.choice([bomb(rng), "[" * 50_000, '{"a":' * 50_000, "{}", "[]", "null", "1", '"x"'])
    elif source.suffix == ".json" and rng.random() < 0.7:
        text = json.dumps(broken(rng, json.loads(text)))
    else:
        text = scrambled(rng, text)
    path.write_text(text, encoding="utf-8", errors="surrogatepass")
    return lambda: readers.load_price_list(path)


CELLS = ["1 / 0", "raise SystemExit", "exit()", "print('x' * 1_000_000)", "users = None", "del users", "x = (", "!true"]
CELLS += [
    "import os; os.chdir('/')",
    "%time 1",
    "import sys; sys.stdout = None",
    "class E(BaseException): pass\nraise E",
]
CELLS += ["raise ValueError('a\\nb\\n[/c]')", "%%bash\nexit 3"]


def notebooks_case(rng, folder):
    import small_notebooks

    path = small_notebooks.small(folder / "mine.ipynb")
    text, kind = path.read_text(), rng.random()
    if kind < 0.06:
        text = rng.choice(["[" * 50_000, '{"cells":' * 50_000, "", "null", "[]", '{"cells": []}', bomb(rng)])
    elif kind < 0.3:
        text = scrambled(rng, text)
    else:
        text = json.dumps(broken(rng, json.loads(text)))
    if rng.random() < 0.3:  # a cell that does something else
        text = small_notebooks.small(path, rng.choice(CELLS)).read_text()
    path.write_text(text, encoding="utf-8", errors="surrogatepass")

    def executed():
        found = notebooks.find(path)
        given = notebooks.checked(notebooks.parameters_of(found), {"users": 77.0}, found.name)
        grid.source_hash(found)
        task = {"notebook": str(found), "parameters": given, "output": str(folder / "out.ipynb"), "engine": "inprocess"}
        done = processes.perform(task)
        assert not done["error"] or " failed in cell In [" in done["error"], done["error"]

    return executed


def grids_case(rng, folder):
    import small_notebooks

    from model.apps import cli

    path, kind = folder / "grid.yaml", rng.random()
    content = {
        "notebooks": ["mine.ipynb"],
        "grid": {"users": [1000, 1e5], "after.heartbeat.period_s": [30, 240], "region": ["us-east-1"]},
        "points": [{"scenario": "twilly"}, {"scenario": "chat", "changes": {"both.api.protocol": "http2"}}],
    }
    text = (
        bomb(rng) if kind < 0.08 else scrambled(rng, written(content)) if kind < 0.3 else written(broken(rng, content))
    )
    path.write_text(text, encoding="utf-8", errors="surrogatepass")
    mine = small_notebooks.small(folder / "mine.ipynb")
    return lambda: grid.plan(path, [mine], check_scenario=cli.settling())


CASES = {
    "scenarios": scenario_case,
    "claims": claims_case,
    "prices": prices_case,
    "notebooks": notebooks_case,
    "grids": grids_case,
}


# ---- one case, and many


class TooSlow(BaseException):
    """A case took more processor time than allowed."""


@contextlib.contextmanager
def limited(seconds):
    def stop(*_):
        raise TooSlow

    signal.signal(signal.SIGPROF, stop)
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)


def tried(kind, number, most_s=MOST_S):
    """What became of one case: taken, refused, or what is wrong."""
    rng = random.Random(f"{kind}-{number}")
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        work = CASES[kind](rng, Path(folder))
        try:
            with limited(most_s):
                work()
        except checks.InputError as refused:
            said = str(refused)
            if "\n" in said or len(said) > MOST_LETTERS * (10 if " mistakes: " in said[:20] else 1):
                return f"refused in {len(said)} letters, {said.count(chr(10))} line ends: {said[:200]!r}"
            return "refused"
        except TooSlow:
            return f"over {most_s:g} s of processor"
        except Exception as error:
            return f"{type(error).__name__}: {str(error)[:160]}"
    return "taken"


def main():
    kind, *rest = sys.argv[1:]
    first, last = int(rest[0]) if rest else 0, int(rest[1]) if len(rest) > 1 else None
    if rest and last is None:
        print(tried(kind, first))
        return
    began, found, slowest = time.process_time(), Counter(), (0.0, 0)
    for number in range(first, last or ALL[kind]):
        before = time.process_time()
        became = tried(kind, number)
        slowest = max(slowest, (time.process_time() - before, number))
        found[became if became in ("taken", "refused") else "wrong"] += 1
        if became not in ("taken", "refused"):
            print(f"{kind} {number}: {became}", flush=True)
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    took, (most_s, worst) = time.process_time() - began, slowest
    print(
        f"{kind} {first} to {last}: {dict(found)}; {took:.0f} s, slowest {most_s:.1f} s (case {worst}), {memory:.0f} MB"
    )


if __name__ == "__main__":
    main()
