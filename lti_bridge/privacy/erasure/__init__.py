"""Erasure of one learner: request, deletion in SCORM Cloud, deletion of our rows, report."""
