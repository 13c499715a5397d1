"""A small Prometheus: scrapes the stage's pods and answers selectors with the raw samples."""
