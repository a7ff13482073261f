"""`node check`: what an operator's machine lacks, before the node is started, with the remedy for each finding."""

from noderr.core.preflight.result import CheckResult, Outcome, failed, render_json, render_table
from noderr.core.preflight.run import run_preflight

__all__ = ["CheckResult", "Outcome", "failed", "render_json", "render_table", "run_preflight"]
