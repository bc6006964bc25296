"""What flows share: sessions, connections, cold starts, bytes on the wire, time on air."""
