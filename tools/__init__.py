"""What no user imports: benchmarks, picture makers, notebook tools and generators of pages."""
