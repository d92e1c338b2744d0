"""The clauses of the procedure that the system carries: who, what, and in which manner.

The identifiers are the numbers printed in 客户服务管理程序; a suffix splits a clause that sets several
deadlines. Docstrings and tests name clauses by these identifiers and a test checks that they exist.
"""

from enum import Enum
from typing import NamedTuple


class Manner(Enum):
    """How the system carries a clause."""

    ENFORCE = "enforce"
    TIMER = "timer"
    REPORT = "report"
    RECORD = "record"
    FORM = "form"


class Clause(NamedTuple):
    """One clause: number, who is bound, the duty in a line, and how the system carries it."""

    number: str
    who: str
    duty: str
    manner: Manner


CLAUSES: dict[str, Clause] = {
    clause.number: clause
    for clause in (
        Clause("2.1.2", "总经理室", "重大投诉由副总经理、总经理及时拟定处理措施", Manner.ENFORCE),
        Clause("2.1.3", "法律事务中心", "协助处理法律事务", Manner.RECORD),
        Clause("2.1.4", "质量副总工程师", "对维修工程作价格和技术认定", Manner.ENFORCE),
        Clause("2.2.1", "客户服务部", "介入开发总策划及合同评审", Manner.RECORD),
        Clause("2.2.2", "客户服务部", "统一受理、统一分类、专人负责、全程跟踪", Manner.ENFORCE),
        Clause("2.2.3", "客户服务部", "回访及满意度调查、分析报告、合理化建议", Manner.REPORT),
        Clause("2.2.4", "客户服务部", "整合社区活动避免重复举办", Manner.ENFORCE),
        Clause("2.2.5", "客户服务部", "形成统一完整的客户信息资源", Manner.RECORD),
        Clause("2.2.6", "客户服务部", "主动服务", Manner.RECORD),
        Clause("2.2.7", "客户服务部", "对维修队管理监督", Manner.REPORT),
        Clause("2.6", "财务计统部", "拨付维修专款、支付维修费用、从质量保证金扣回", Manner.ENFORCE),
        Clause("2.7", "审计核算部", "2万元以上维修费用及其质保金扣除的审核", Manner.ENFORCE),
        Clause("2.8", "人力资源部", "客户服务意识培训", Manner.RECORD),
        Clause("3.1", "客户服务部", "协助培训全员服务意识", Manner.RECORD),
        Clause("3.2", "客户服务部", "介入项目开发总策划提出设计要求", Manner.RECORD),
        Clause("3.3", "客户服务部", "介入合同评审", Manner.RECORD),
        Clause("3.4.1", "各收集部门", "投诉统一交客户服务部受理", Manner.RECORD),
        Clause("3.4.2", "客户服务部", "统一分类、分析责任部门、专人负责", Manner.ENFORCE),
        Clause("3.4.2.1", "责任部门", "指定专人处理投诉", Manner.ENFORCE),
        Clause("3.4.2.2", "责任部门", "接受后3个工作日内反馈处理信息", Manner.TIMER),
        Clause("3.4.3", "资料员", "接热线、填《来电、来访登记表》、统一编号、传递", Manner.ENFORCE),
        Clause(
            "3.4.4", "客户服务处", "一周内以周报上报处理结果；未能处理的注明处理过程", Manner.TIMER
        ),
        Clause(
            "3.4.5", "客服/工程(物业)/维修队长/施工单位", "1个工作日内现场勘察并会签", Manner.TIMER
        ),
        Clause("3.4.5-单", "维修队", "单工种3个工作日内完成", Manner.TIMER),
        Clause("3.4.5-多", "维修队", "多工种7个工作日内完成", Manner.TIMER),
        Clause("3.4.5-延", "客户服务部", "特别复杂的可延长但须事先取得客户认可", Manner.ENFORCE),
        Clause("3.4.5-他", "客户服务部", "其他投诉宜一周内解决", Manner.TIMER),
        Clause(
            "3.4.6",
            "客户服务部/工程材料部",
            "维修队处理不了的由工程材料部督促施工单位维修，期限同3.4.5",
            Manner.ENFORCE,
        ),
        Clause("3.4.7", "客户服务部", "重大投诉及时上报总经理、副总经理", Manner.TIMER),
        Clause("3.5.1", "客户服务部", "发出《工程派工单》A/B类", Manner.ENFORCE),
        Clause("3.5.2", "维修队", "按时限完工", Manner.TIMER),
        Clause("3.5.3", "客服(物业)/维修队长/客户", "竣工检查、客户签认", Manner.ENFORCE),
        Clause("3.5.4", "资料员", "完工后1个工作日内电话回访", Manner.TIMER),
        Clause("3.5.5", "维修队长", "编制《维修工程决算书》报客服审核", Manner.ENFORCE),
        Clause(
            "3.5.6",
            "客户服务部/审计部",
            "限额以下客服审核、以上审计审核、编写《维修工程结算书》",
            Manner.ENFORCE,
        ),
        Clause("3.5.7", "审计核算部", "A类审核结果通知施工单位确认", Manner.ENFORCE),
        Clause("3.5.8", "质量副总工程师", "认定并传递财务", Manner.ENFORCE),
        Clause("3.5.9", "财务计统部", "据结算书拨付、A类从质保金扣除", Manner.ENFORCE),
        Clause("3.5.10", "客户服务部", "综合评价、季末年末核定激励奖金", Manner.REPORT),
        Clause("3.6", "财务计统部", "周转金拨付与监督", Manner.ENFORCE),
        Clause("3.6.1", "经理/副总工/副总经理/总经理", "单项维修款分级审批", Manner.ENFORCE),
        Clause("3.6.2", "客户服务部", "质保金尾款支付意见", Manner.RECORD),
        Clause("3.7.1", "客户服务部", "统一信息平台：收集录入更新", Manner.RECORD),
        Clause("3.7.2", "客户服务部", "分类统计、分析报告、合理化建议", Manner.REPORT),
        Clause("3.7.3", "物业公司", "设备运行满一年《产品使用情况表》", Manner.TIMER),
        Clause("3.7.4", "客户服务部", "注意投诉倾向、重大投诉预警", Manner.ENFORCE),
        Clause("3.7.5", "客户服务部", "入住50%后回访", Manner.TIMER),
        Clause("3.7.5.1", "客户服务部", "首次回访≥已入住户数90%", Manner.ENFORCE),
        Clause("3.7.5.2", "客户服务部", "每年一次抽10~25%，不少于总入住户数10%", Manner.ENFORCE),
        Clause("3.7.5.3", "经营销售部/物业", "配合回访", Manner.RECORD),
        Clause("3.7.5.4", "客户服务部", "专项事件回访", Manner.RECORD),
        Clause("3.7.5.5", "客户服务部", "《客户满意度调查表》按阶段调整", Manner.ENFORCE),
        Clause("3.7.5.6", "客户服务部", "统计技术分析", Manner.REPORT),
        Clause("3.7.5.7", "客户服务部", "回访处理率100%", Manner.ENFORCE),
        Clause("3.7.5.8", "客服部经理", "每年抽查整改和采纳情况", Manner.TIMER),
        Clause("3.7.5.9", "客服部经理", "严重不满意客户全数再回访、专题调查", Manner.ENFORCE),
        Clause("3.8", "客户服务部", "验楼接楼配合", Manner.RECORD),
        Clause("3.9", "客户服务部", "主动服务", Manner.RECORD),
        Clause("3.9.1", "客户服务部", "分阶段专项服务活动", Manner.RECORD),
        Clause("3.9.2", "客户服务部", "统筹社区活动影响", Manner.ENFORCE),
        Clause("3.9.3", "客户服务部", "整合社区活动", Manner.ENFORCE),
        Clause("3.10.1", "客户服务处", "交付一年内每周投诉协调例会", Manner.TIMER),
        Clause("3.10.2", "客户服务部", "每周主任例会", Manner.TIMER),
        Clause("3.10.3", "客户服务处", "每周《客户服务部投诉处理周报》", Manner.REPORT),
        Clause("3.10.4", "各服务处/客户服务部", "季、年报表汇总提交总经理室", Manner.REPORT),
        Clause("3.10.5", "客户服务部", "重大投诉专题会议及纪要", Manner.ENFORCE),
        Clause("3.10.6", "客户服务部", "专题报告", Manner.REPORT),
        Clause("5.1", "客户服务部", "客户服务部投诉处理周报", Manner.FORM),
        Clause("5.2", "客户服务部", "客户满意度调查表", Manner.FORM),
        Clause("5.3", "资料员", "来电、来访登记表", Manner.FORM),
        Clause("5.4", "客户服务部", "维修工程结算书(A、B类)", Manner.FORM),
        Clause("5.5", "客户服务部", "现场勘察会签表", Manner.FORM),
        Clause("5.6", "客户服务部", "工程派工单(A、B类)", Manner.FORM),
    )
}
