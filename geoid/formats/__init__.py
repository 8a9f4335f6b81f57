"""The field's files: results out, places and detections in."""
