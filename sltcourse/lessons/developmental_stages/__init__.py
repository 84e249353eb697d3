"""Lesson 10, developmental stages."""
