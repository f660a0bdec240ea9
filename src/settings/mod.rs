//! Every parameter in one table: name, unit, bounds, default, who may set it and when.
