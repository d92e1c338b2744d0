"""Who and where: people with their departments and rights; communities, units, customers."""
