"""Attacks that were carried out, each as a harmless marker."""
