"""Seconds and memory that a large access log takes: `python tests/benchmarks/access_logs.py [MB] [FOLDER]`."""

import resource
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

FORMS = ("api gateway", "load balancer", "combined", "combined, every path its own", "api gateway, sockets")


AGENT = (
    "Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.6478.71 "
    "Mobile Safari/537.36"
)


def line(form: str, second: int, caller: int) -> str:
    """One line of a log as such servers write it."""
    ip, when = (
        f"10.{caller >> 16 & 255}.{caller >> 8 & 255}.{caller & 255}",
        datetime.fromtimestamp(1.79e9 + second, UTC),
    )
    stamp, iso = when.strftime("%d/%b/%Y:%H:%M:%S +0000"), f"{when:%Y-%m-%dT%H:%M:%S}"
    if form.startswith("api"):
        head = f'{{"requestId":"{second:08x}{caller:08x}=","ip":"{ip}","requestTime":"{stamp}","status":"200",'
        if "sockets" in form:
            turn = second // 30 % 20  # a connection has 20 lines
            kind = {0: "CONNECT", 19: "DISCONNECT"}.get(turn, "MESSAGE")
            connection = f"{caller:x}-{second // 600:x}="
            return (
                f'{head}"caller":"-","user":"-","eventType":"{kind}","routeKey":"send","connectionId":"{connection}"}}'
            )
        return f'{head}"httpMethod":"GET","routeKey":"GET /feed","protocol":"HTTP/1.1","responseLength":"214"}}'
    if form == "load balancer":
        return (
            f"https {iso}.186641Z app/lb/50dc6c495c0c9188 {ip}:2817 10.0.0.1:80 0.000 0.001 0.000 200 200 34 366 "
            f'"GET https://www.example.com:443/feed?since={second} HTTP/1.1" "app/7.46.0" ECDHE-RSA TLSv1.2 '
            "arn:aws:elasticloadbalancing:us-east-2:123456789012:targetgroup/t/73e2d6bc24d8a067 "
            f'"Root=1-58337262-36d228ad5d99923" "-" "-" 0 {iso}.100000Z "forward" "-" "-" "10.0.0.1:80" "200" "-" "-"'
        )
    path = f"/feed/{caller}/{second}" if "own" in form else "/feed?since=1"
    return f'{ip} - - [{stamp}] "GET {path} HTTP/1.1" 200 366 "https://example.com/" "{AGENT}"'


def write(path: Path, form: str, size_bytes: int) -> None:
    """A log of about this size: 100,000 callers that poll every 30 s."""
    done, second = 0, 0
    with open(path, "w", encoding="ascii") as out:
        while done < size_bytes:
            text = "\n".join(line(form, second, caller) for caller in range(second % 30, 100_000, 30)) + "\n"
            done, second = done + len(text), second + 1
            out.write(text)


def main() -> None:
    """Write a log of each form, read it in a process of its own, print seconds and memory."""
    if len(sys.argv) > 3:
        from model import readers

        start = time.perf_counter()
        log = readers.access_log(sys.argv[3])
        took, most = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        cpu = sum(resource.getrusage(resource.RUSAGE_SELF)[:2])
        done = f"{len(log.rows):,} lines, {len(log.loops):,} loops, {len(log.sessions):,} sessions"
        print(f"{took:.1f} s ({cpu:.1f} s of processor), {most:,.0f} MB, {done}")
        return
    size = int(sys.argv[1]) if len(sys.argv) > 1 else 1024
    with tempfile.TemporaryDirectory(dir=sys.argv[2] if len(sys.argv) > 2 else None) as home:
        for form in FORMS:
            path = Path(home, "big.log")
            write(path, form, size << 20)
            print(f"{form}, {size} MB: ", end="", flush=True)
            subprocess.run([sys.executable, __file__, "-", "-", str(path)], check=True)


if __name__ == "__main__":
    main()
