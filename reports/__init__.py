"""Figures and pages made from a run folder; nothing here measures or judges."""
