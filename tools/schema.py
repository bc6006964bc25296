"""The JSON schema of a scenario file, from the fields of the package and the meanings in `data/scenarios/keys.csv`.

`python -m tools.schema` in a clone writes `data/scenarios/schema.json`, which editors and `workbook schema` read.
"""

from __future__ import annotations

import json
from typing import Any

from model import paths
from model.parts.transports import TRANSPORTS, Choices
from model.scenario.columns import meaning
from model.scenario.files import BLANK, content_of, part_at


def schema() -> dict:
    """The JSON schema of a scenario file: every key with its meaning; a file may say only a part of it."""
    found = Choices.model_json_schema(mode="validation")
    kinds: dict[str, dict] = {"Choices": found, **found["$defs"]}
    found |= {"$schema": "https://json-schema.org/draft/2020-12/schema"}
    found |= {"title": "push-or-poll scenario", "description": "What an app is, and the designs that could serve it."}
    found["properties"].pop("place")
    shapes = [{"$ref": f"#/$defs/{kind.__name__}"} for kind in TRANSPORTS.values()]
    found["$defs"]["AnyDesign"] = {"anyOf": [*shapes, {"type": ["string", "null"]}]}  # a name alone, or null, will do
    for name, more in (("Choices", "extends"), *((kind.__name__, "like") for kind in TRANSPORTS.values())):
        kinds[name]["properties"][more] = {"type": "string"}
    found["properties"] |= {name: {"$ref": "#/$defs/AnyDesign"} for name in ("before", "after")}
    found["properties"]["designs"]["additionalProperties"] = {"$ref": "#/$defs/AnyDesign"}
    defaults = _defaults()
    for name, part in kinds.items():
        if name != "RangeInput":
            part.pop("required", None)  # what a file extends, is like or leaves to the blank may bring the rest
        for key, one in part.get("properties", {}).items():
            row = meaning(name, key)
            unit = f" [{row['unit']}]" if row["unit"] else ""
            default = one.pop("default", None)
            said = defaults.get((name, key)) or (_plain(default) if default not in (None, []) and default != {} else "")
            text = f"{row['meaning']}{unit}" + (f"; default: {said}" if said else "")
            one.pop("title", None)
            if isinstance(one.get("additionalProperties"), dict):
                one["additionalProperties"] = {"anyOf": [one["additionalProperties"], {"type": "null"}]}
            whole = one if name == "RangeInput" else {"anyOf": [one, {"type": "null"}]}
            part["properties"][key] = {**whole, "description": text} if row["meaning"] else whole
    return found


def _plain(value: Any) -> str:
    """A value of a file in words: a range by its mode and ends; nothing for what is empty or a part of its own."""
    if isinstance(value, dict):
        return f"{value['mode']:g} ({value['low']:g} to {value['high']:g})" if "mode" in value else ""
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return "" if value is None else str(value).lower() if isinstance(value, bool) else str(value)


def _defaults() -> dict[tuple[str, str], str]:
    """What the blank, or else the project's designs, say of each key of a part, in words."""
    found: dict[tuple[str, str], dict[str, list[str]]] = {}

    def walk(value: dict, keys: tuple, where: str) -> None:
        part = part_at(keys)
        for key, inner in value.items():
            if isinstance(inner, dict) and "mode" not in inner:
                walk(inner, (*keys, key), where or ("" if part else key))
            elif part and key not in ("operations", "title", "transport"):
                said = found.setdefault((part.__name__, key), {}).setdefault(_plain(inner), [])
                said += [where] if where and where not in said else []

    walk(content_of(paths.data("scenarios", f"{BLANK}.yaml")), (), "")
    for path in sorted(paths.data("designs").glob("*.yaml")):
        if transport := content_of(path).get("transport"):
            walk(content_of(path), ("designs", path.stem, transport), path.stem)
    named = {key: [(text, ", ".join(names)) for text, names in said.items()] for key, said in found.items()}
    return {key: "; ".join(text + (f" in {of}" if of else "") for text, of in one) for key, one in named.items()}


def main() -> None:
    """Write the schema where the project keeps it."""
    text = json.dumps(schema(), indent=1, sort_keys=True) + "\n"
    paths.data("scenarios", "schema.json").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
