"""Running a graph: sessions, and the way from a fetch list to array calls."""
