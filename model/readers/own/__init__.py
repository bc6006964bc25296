"""Readers of files that a user has of their own app: HAR, bill, metrics, access log, battery dump."""
