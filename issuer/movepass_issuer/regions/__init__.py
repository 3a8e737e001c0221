"""Several regions: copying publications, and continuing after one is lost."""
