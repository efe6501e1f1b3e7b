"""Attacks that were really carried out, each as a harmless marker."""
