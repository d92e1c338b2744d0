"""How pages look: filters, globals and navigation of the templates."""
