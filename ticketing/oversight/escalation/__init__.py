"""Escalation 重大投诉 (procedure 2.1.2, 3.4.7, 3.10.5, 3.10.6): what the company's leaders owe a major complaint.

The general manager or a deputy decides the measures 处理措施, customer service holds the special meeting and
writes its minutes 专题会议纪要, the manager reports 专题报告 and the general manager instructs. Nothing written
here is ever overwritten: a later word is a further row. Without measures a major complaint is not resolved,
without minutes not closed; the road in `procedure.workflow` says so.
"""
