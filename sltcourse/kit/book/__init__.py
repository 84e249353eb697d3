"""The book: the lessons as a static site with live figures. ``python -m sltcourse.kit.book`` builds it."""
