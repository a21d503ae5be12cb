"""Layouts of tables: names of columns that are times, merged cells, tables on their side."""
