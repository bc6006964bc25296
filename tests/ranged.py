"""A scenario's content in which every float that may be a range is one, and one in which none is."""

from model.parts.fields import Part, Range


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
