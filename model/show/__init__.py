"""What people see: number format, tables, charts."""
