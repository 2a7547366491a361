"""What a person reads: tables, figures, a page."""
