"""The rules of 客户服务管理程序 as tables and pure functions: no clock, no database, no web."""
