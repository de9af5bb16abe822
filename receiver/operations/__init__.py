"""Periodic work beside the pipeline, and operations that a person requests.

Periodic: sweep, monitor, retention. By request: replay, manual routing, backtest, the report on one document.
"""
