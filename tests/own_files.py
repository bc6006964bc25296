"""What the readers of a user's own files say, by the names of the researched values (see test_own_files.py)."""

import re
from decimal import Decimal

import numpy as np

from model import ledger, readers
from model.prices import list_offers, list_pages
from model.readers.own import log_lines, opening


def utc(text):
    return opening.seconds(text)


def har(path):
    """Of a HAR: its loops and sockets; a socket's url is left out of its name."""
    it = readers.har(path)
    yield "entries", it.file.rows
    yield "creator", it.file.writer
    yield "websocket entries", len(it.sockets)
    for _, loop in it.loops.iterrows():
        name = f"{loop['method']} {loop['url']}: "
        yield name + "requests", loop["requests"]
        for kind in ("mean", "median", "shortest", "longest"):
            yield f"{name}{kind} gap", loop[f"{kind}_gap_s"]
        yield name + "share of gaps within 5 % of the median", loop["even"]
        yield name + "request headersSize as declared, sum", loop["declared_request_header_bytes"]
        yield name + "request line and headers from the header list, sum", loop["request_header_bytes"]
        yield name + "request bodySize, sum (-1 counts as 0)", loop["request_body_bytes"]
        yield name + "response headersSize as declared, sum", loop["declared_response_header_bytes"]
        yield name + "response bodySize, sum", loop["response_body_bytes"]
        yield name + "response _transferSize, sum", loop["transfer_bytes"]
        yield name + "response content size, sum", loop["content_bytes"]
        yield name + "statuses", loop["statuses"]
        yield name + "median wait", loop["wait_s"]
    for number, socket in enumerate(it.sockets, 1):
        name = f"socket {number}: "
        for way, sent in (("send", True), ("receive", False)):
            these = socket.messages[socket.messages["sent"] == sent]
            yield f"{name}{way} messages", len(these)
            yield f"{name}{way} payload", these["bytes"].sum()
        yield name + "first to last message", socket.open_s
        yield name + "upgrade request headersSize", socket.declared_request_header_bytes
        yield name + "upgrade response headersSize", socket.declared_response_header_bytes
        yield name + "upgrade request from the header list", socket.request_header_bytes
        groups = socket.groups
        for _, beat in groups[groups["kind"] == "heartbeat"].iterrows():
            yield name + "heartbeats sent", beat["messages"]
            yield name + "heartbeat mean period", beat["mean_gap_s"]
        news = groups[(groups["kind"] == "message") & ~groups["sent"].astype(bool) & (groups["messages"] > 1)]
        yield name + "notifications received", news["messages"].sum()
        yield name + "notification payload", news["bytes"].sum()


def bill(path):
    it = readers.bill(path)
    lines = it.lines
    yield "rows", it.file.rows
    for name, key in (("BilledCost, sum", "cost_usd"), ("ListCost, sum", "list_usd")):
        yield name, lines[key].sum()
    for kind, some in lines.groupby("item_type"):
        yield f"rows of line item type {kind}", some["rows"].sum()
        yield f"unblended cost of line item type {kind}", some["cost_usd"].sum()
    yield "ChargeCategory", " ".join(f"{k}={n:.0f}" for k, n in lines.groupby("item_type")["rows"].sum().items())
    yield "rows whose ConsumedQuantity is NULL or empty", lines["empty"].sum()
    yield "public on-demand cost of usage rows", lines.loc[lines["item"] == "usage", "list_usd"].sum()
    for service, some in lines.groupby("service"):
        yield f"{service}: rows", some["rows"].sum()
        yield f"{service}: BilledCost, sum", some["cost_usd"].sum()
        for unit, part in some.groupby("unit"):
            yield f"{service}: ConsumedQuantity of {unit}, sum", part["amount"].sum()
    for (service, usage), some in lines.groupby(["service", "usage_type"]):
        yield f"{service} {usage}: usage amount", some["amount"].sum()
        yield f"{service} {usage}: unblended cost", some["cost_usd"].sum()


def cost_explorer(path):
    lines = readers.bill(path).lines
    for tag, (_, line) in zip(("Environment$", "Environment$Dev"), lines.iterrows(), strict=True):
        name = f"2017-09-01 {line['service']} / {tag}: "
        yield name + "BlendedCost", line["blended_usd"]
        yield name + "UnblendedCost", line["cost_usd"]
        yield name + "UsageQuantity", line["amount"]


def cloudwatch(path):
    it = readers.metrics(path)
    for one in it.series:
        name = f"{one.label} ({one.name}): "
        yield f"{one.label}: datapoints", len(one.values)
        yield f"{one.label}: sum of the datapoints' Sum", one.values.sum()
        if not len(one.values):
            continue
        yield f"{one.label}: largest of the datapoints' Maximum", one.values.max()
        yield name + "values", len(one.values)
        yield name + "sum", one.values.sum()
        yield name + "largest", one.values.max()
        yield name + "smallest", one.values.min()
        yield name + "largest / mean", one.peak_to_mean
        yield name + "commonest gap", one.period_s
        yield "shortest gap", np.diff(one.times_s).min(initial=np.inf)
        yield name + "gaps longer than that", one.missing
        yield name + "order", one.order
        yield name + "busiest hour of day, UTC", one.by_hour.argmax()
        yield name + "share of that hour", one.by_hour.max()
        yield "first", it.file.first_s
        yield "last", it.file.last_s


def price_page(path):
    page = opening.document(path)
    codes = set()
    yield "hawkFilePublicationDate", page["manifest"]["hawkFilePublicationDate"]
    yield "regions", len(page["regions"])
    yield "entries, all regions", sum(map(len, page["regions"].values()))
    for place, name, code, price in list_pages.entries(page):
        yield f"{place}: {name}", Decimal(price)
        yield f"{place}: {name}, rate code", code
        codes.add(code)
    yield "distinct rate codes, all regions", len(codes)


def offer(path):
    """Of a price list: the price of every product by place and usage type."""
    csv = path.suffix == ".csv"
    terms = list(list_offers._csv_file_terms(path) if csv else list_offers._document_terms(opening.document(path)))
    yield "rows" if csv else "products", len(terms)
    for term in terms:
        for _, _, price, _ in term.tiers:
            yield f"{term.attributes.get('location')} {term.attributes['usagetype']}", Decimal(price)
            yield term.attributes["usagetype"], Decimal(price)


def statuses(rows):
    return " ".join(f"{code}={n}" for code, n in sorted(rows["status"].value_counts().items()))


def callers_of(path, pattern):
    """The callers of a file in the order in which they come, which is how a reader numbers them."""
    return list(dict.fromkeys(re.findall(pattern, path.read_text(encoding="utf-8"), re.M)))


def loops(it, callers):
    for _, loop in it.loops.iterrows():
        own = it.rows[(it.rows["caller"] == loop["caller"]) & (it.rows["route"] == loop["route"])]
        name = f"{callers[loop['caller']]} {loop['route']}: "
        yield name + "requests", loop["requests"]
        yield name + "mean gap", loop["mean_gap_s"]
        yield name + "median gap", loop["median_gap_s"]
        yield name + "failed", loop["failed"]
        yield name + "body bytes", loop["bytes"]
        yield name + "statuses", statuses(own)


def combined(path):
    """Of a combined log; of a query a reader gives the names alone."""
    it = readers.access_log(path)
    yield "lines", len(it.rows)
    yield "callers", it.callers
    yield "body bytes, sum (- counts as 0)", it.rows["sent_bytes"].sum()
    yield "statuses", statuses(it.rows)
    yield "lines already in time order", "yes" if it.rows["time_s"].is_monotonic_increasing else "no"
    for name, value in loops(it, callers_of(path, r"^\S+")):
        yield name.replace(" GET ", " "), value


def balancer(path):
    it = readers.access_log(path)
    lines = path.read_text(encoding="utf-8").splitlines()
    for number, (line, row) in enumerate(zip(lines, it.rows.itertuples(), strict=True), 1):
        name = f"line {number}: "
        yield name + "type, statuses", f"{row.type} {row.status} {row.target_status or '-'}"
        yield name + "received, sent", f"{row.received_bytes} {row.sent_bytes}"
        yield name + "request + target + response time", row.server_s
        yield name + "request_creation_time to time", row.open_s
        yield name + "fields", len(log_lines.FIELD.findall(line))


def gateway(path):
    it = readers.access_log(path)
    yield "lines", len(it.rows)
    yield "statuses", statuses(it.rows)
    yield "responseLength, sum", it.rows["sent_bytes"].sum()
    yield from loops(it, callers_of(path, r'"ip":"([^"]*)"'))
    events, routes = it.rows["event"].value_counts(), it.rows["route"].astype(str).value_counts()
    yield "events", " ".join(f"{k}={n}" for k, n in sorted(events.items()) if n)
    yield "routes", " ".join(f"{k}={n}" for k, n in sorted(routes.items()))
    yield "refused connects (status not 200)", it.refused
    ids, ended = callers_of(path, r'"connectionId":"([^"]*)"'), it.sessions[it.sessions["ended"]]
    for number, session in it.sessions.iterrows():
        yield f"{ids[number]}: life", session["life_s"] if session["ended"] else "not ended in the file"
        yield f"{ids[number]}: messages in", session["messages"]
    yield "ended sessions", len(ended)
    yield "mean life of ended sessions", ended["life_s"].mean()
    yield "sessions that reached the 7,200 s limit", (ended["life_s"] >= 7200).sum()
    yield "connection minutes of ended sessions", ended["life_s"].sum() / 60


def battery(path):
    it = readers.batterystats(path)
    total, past = it.totals, it.history

    def together(*names):
        return " ".join(repr(float(total.get(name, np.nan))) for name in names)

    yield "on battery", total.get("on_battery_s")
    yield "on battery, screen off", total.get("screen_off_s")
    yield "screen on", total.get("screen_on_s")
    for way in ("mobile", "wifi"):
        for end in ("received", "sent"):
            yield f"all apps: {way} {end}", total.get(f"{way}_{end}_bytes")
            yield f"all apps: {way} packets {end}", total.get(f"{way}_{end}_packets")
    yield "modem idle, received, sent", together("modem_idle_s", "modem_received_s", "modem_sent_s")
    yield "modem charge", total.get("modem_mah")
    yield "mobile radio on, all apps", total.get("radio_on_s")
    yield "mobile radio periods", total.get("radio_periods")
    yield "mean mobile radio period", total.get("radio_period_s")
    bars = "none poor moderate good great"
    yield f"time at signal {bars.replace(' ', ', ')}", together(*[f"signal_{bar}_s" for bar in bars.split()])
    for uid, app in it.apps.iterrows():
        name = f"uid {uid}: "
        yield name + "mobile received, sent", f"{app['mobile_received_bytes']:.0f} {app['mobile_sent_bytes']:.0f}"
        yield name + "mobile radio", app["radio_on_s"]
        yield name + "mobile radio periods", app["radio_periods"]
        yield name + "mean mobile radio period", app["radio_period_s"]
        yield name + "charge, as Android says", app["shown_mah"]
    yield "history lines", past["lines"]
    yield "mobile radio periods (+Pr)", past["radio_periods"]
    yield "mobile radio on", past["radio_on_s"]
    yield "battery levels in order", " ".join(map(str, it.levels))
    yield "data connection kinds", " ".join(it.networks)


def metrickit(path):
    it = readers.metrickit(path)
    yield "cumulativeCellularDownload", it.mobile_received_bytes / 1000
    yield "cumulativeWifiDownload", it.wifi_received_bytes / 1000
    yield "cumulativeCellularUpload", it.mobile_sent_bytes / 1000
    yield "cumulativeWifiUpload", it.wifi_sent_bytes / 1000
    yield "cumulativeForegroundTime", it.foreground_s
    yield "cumulativeBackgroundTime", it.background_s
    yield "mean bars", it.signal_bars
    yield "cellular share of bytes", it.mobile_share


KINDS = {
    "batterystats": battery,
    "metrickit": metrickit,
    "combined log": combined,
    "alb log": balancer,
    "api gateway log": gateway,
    "offer": offer,
    "har": har,
    "bill": bill,
    "cost explorer": cost_explorer,
    "cloudwatch": cloudwatch,
    "price page": price_page,
}


def plain(quantity):
    """A quantity's name without a socket's url, of which a reader gives the masked form."""
    return re.sub(r"^(socket \d+) \S+:", r"\1:", quantity)


def expected(shared):
    """The researched values by file."""
    found = {}
    for row in ledger.read_csv(shared / "samples" / "expected.csv"):
        found.setdefault(row["file"], []).append(row)
    return found


def agrees(said, row):
    """Whether a reader's value is the researched one, numbers to 1e-9 of it."""
    if row["value"] == "unknown":
        return bool(np.isnan(said))
    if row["unit"] == "time" and not isinstance(said, str):
        return said == utc(row["value"])
    if row["unit"] == "text" or isinstance(said, str):
        return str(said) == row["value"]
    return abs(float(said) - float(row["value"])) <= 1e-9 * abs(float(row["value"]))


def covered(path, rows):
    """Which of a file's researched values the reader gives, and which it gives differently or not at all."""
    said = {}
    for quantity, value in KINDS[rows[0]["kind"]](path) if rows[0]["kind"] in KINDS else ():
        said.setdefault(quantity, value)
    wrong = [row for row in rows if (name := plain(row["quantity"])) not in said or not agrees(said[name], row)]
    return len(rows) - len(wrong), [(row["quantity"], row["value"], said.get(plain(row["quantity"]))) for row in wrong]
