"""A report that opens offline: an index with tables, verdicts and pictures, then a page per notebook."""

from model.apps.report.site import write, write_report

__all__ = ["write", "write_report"]
