"""Incidents, and the notices that each alert channel gets.

``alert`` adds an occurrence to its incident; ``notify`` sends a channel its next notice.
"""
