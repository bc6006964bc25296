"""Apps of any shape through every notebook and command: `python tests/benchmarks/shapes.py [SHAPE ...]`.

Names each that fails, with the peak memory of the largest notebook.
"""

import contextlib
import io
import json
import sys
import tempfile
import time
import warnings
from pathlib import Path

from model import checks, load, paths
from model.apps import cli
from model.apps.notebooks import processes
from model.parts.fields import Part, Range
from model.scenario import read_yaml

TWILLY = {"extends": "twilly", "claims": "twilly"}
WIFI = {"share": 1, "profiles": ["wifi_pixel6_2021"], "rtt_s": 0.04, "rtt_sigma_ln": 0.5, "metered": False}
WIFI |= {"drx_s": 0.1, "paging_s": 0.3, "losses_per_hour": 0.2, "unseen_share": 0.3, "nat_timeout_s": 3600}
CELL = WIFI | {"profiles": ["lte_verizon_2021"], "metered": True, "ip": 6}
EVENT = {"per_active_day": 3, "recipients": 2, "online_share": 0.5, "payload_bytes": 200}


def app(*designs, **more):
    """A small app of one's own, with designs of the catalogue under the names before and after."""
    named = dict(zip(("before", "after"), ({"like": name} for name in designs), strict=False))
    return {"users": 5000, "events": {"message": EVENT}, "designs": named, **more}


SHAPES = {
    "home and cell": app(
        "poll_http_api",
        "websocket_api_gateway",
        networks={"home": WIFI | {"share": 0.6}, "cell": CELL | {"share": 0.4}},
    ),
    "only wifi": app("poll_http_api", "websocket_api_gateway", networks={"wifi": WIFI}),
    "both polling": app("poll_http_api", "poll_own_server"),
    "both sockets": app("websocket_api_gateway", "websocket_own_server"),
    "swapped": app("websocket_api_gateway", "poll_http_api"),
    "other names": {
        **app(),
        "designs": {"slow_poll": {"like": "poll_combined"}, "own_push": {"like": "websocket_own_server"}},
    },
    "three events": app(
        "poll_http_api", "websocket_api_gateway", events={"a": EVENT, "b": EVENT, "c": {**EVENT, "per_active_day": 0}}
    ),
    "one user": TWILLY | {"users": 1, "events": {name: {"recipients": 1} for name in load("twilly").events}},
    "a billion": TWILLY | {"users": 1e9},
    "a list of users": TWILLY | {"users": [1000, 10000]},
}


def reranged(value, path=()):
    """The content with every float that may have a range given one, by the type of its field."""
    if isinstance(value, Range) and value.chance is not None:
        return {"chance": value.chance}
    if isinstance(value, Range):
        return {"low": value.low, "mode": value.mode, "high": value.high}
    if isinstance(value, Part):
        kept = {name: getattr(value, name) for name in type(value).model_fields if name != "place"}
        return {name: reranged(one, (*path, name)) for name, one in kept.items() if one is not None}
    if isinstance(value, dict):
        return {name: reranged(one, (*path, name)) for name, one in value.items()}
    if isinstance(value, list):
        return [reranged(one, path) for one in value]
    plain = isinstance(value, float) and path[-1] not in ("users", "phone", "delays_s", "rank") and path[0] != "prices"
    chances = ("connects_billed", "pings_billed", "response_counts", "ping_resets_idle")
    if plain and path[-1] in chances:
        return {"chance": 0.3}
    if plain and value:
        high = min(1.0, 1.3 * value) if path[-1].endswith("share") else 1.3 * value
        return {"low": max(0.7 * value, 1.0 if path[-1] == "sessions_per_day" else 0.0), "mode": value, "high": high}
    return value


def plain(value):
    """The content with every range at its mode."""
    if isinstance(value, dict) and "mode" in value:
        return value["mode"]
    if isinstance(value, dict) and "chance" in value:
        return value["chance"] >= 0.5
    if isinstance(value, dict):
        return {name: plain(one) for name, one in value.items()}
    return [plain(one) for one in value] if isinstance(value, list) else value


def content_of(shape):
    if shape == "every float a range":
        return reranged(load("twilly"))
    if shape == "no range":
        return plain(read_yaml(paths.data("scenarios", "twilly.yaml")))
    return SHAPES[shape]


COMMANDS = ("table", "compare", "answer", "show", "audit")


def command(*words):
    """What a command says where it does not go through."""
    out = io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(out):
        try:
            cli.app(args=cli.spread(list(words)), standalone_mode=False)
        except checks.InputError as wrong:
            return f"refused: {wrong}"
        except SystemExit as end:
            return f"exit {end.code}" if end.code else ""
        except Exception as wrong:
            return f"{type(wrong).__name__}: {wrong}"
    return ""


def main():
    warnings.simplefilter("ignore")
    for shape in sys.argv[1:] or [*SHAPES, "every float a range", "no range"]:
        began = time.monotonic()
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "mine.yaml")
            path.write_text(json.dumps(content_of(shape)), encoding="utf-8")
            said = {" ".join(words): command(*words) for words in ([name, str(path)] for name in COMMANDS)}
            said = {name.split()[0]: text for name, text in said.items()}
            tasks = []
            for notebook in sorted(
                {*paths.notebooks().glob("*.ipynb")} - {*paths.notebooks().glob("11_*")}
            ):  # on files
                what = {"notebook": str(notebook), "output": str(Path(folder, notebook.name)), "engine": "inprocess"}
                tasks.append({**what, "parameters": {"scenario": str(path)}})
            most = 0.0
            for task, outcome in processes.results(tasks, 1):
                said[Path(task["notebook"]).stem] = outcome["error"]
                most = max(most, outcome["memory_bytes"] / 1e6)
        wrong = {name: text for name, text in said.items() if text}
        print(
            f"{shape}: {len(said) - len(wrong)} of {len(said)} go through, {time.monotonic() - began:.0f} s, "
            f"at most {most:.0f} MB",
            flush=True,
        )
        for name, text in wrong.items():
            print(f"    {name}: {text[:300]}", flush=True)


if __name__ == "__main__":
    main()
