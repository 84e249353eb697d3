"""What every lesson looks and feels like: live figures, checks, style, progress, assets, set-up."""
