"""Erase one learner: ask, delete in SCORM Cloud, delete our rows, report."""
