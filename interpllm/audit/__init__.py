"""Figures that try to break a model and its explanations, each beside a null or with an interval."""
