"""Notices 通知 (procedure 3.4.7, 3.4.3): what somebody should know now, in the app and outside.

A notice is written in the transaction of the act or deadline that caused it and stands in the person's
inbox at once; e-mails and messages to 企业微信 and 钉钉 wait as deliveries until a job sends them.
"""
