"""Chapter 1, who may launch us: platforms, deployments, tool keys and SCORM Cloud accounts."""
