"""The words of the lending side of the report: strategy, segments, selection, champion and challenger."""

from __future__ import annotations

from collections.abc import Mapping

from vfl.errors import Text

__all__ = ["STRATEGY_LABELS"]

STRATEGY_LABELS: Mapping[str, Text] = {
    # Strategy
    "section_strategy": Text("Cut-off and strategy", "分数线与审批策略"),
    "section_strategy_lead": Text(
        "What approving from a score upward would have done on rows that trained nothing.",
        "在未参与训练的样本上，按分数线审批的结果。",
    ),
    "strategy": Text("Bad rate of the approved.", "通过者坏样本率。"),
    "strategy_caption": Text(
        "If all firms from a cut-off up are approved, by approval rate; the mark is this report's cut-off, the dotted "
        "line the bad rate of all. The table has every cut-off.",
        "批准分数线及以上全部企业时，通过者坏样本率随通过率的变化；圆点为本报告所用分数线，虚线为总体坏样本率。"
        "各分数线见表。",
    ),
    "strategy_x": Text("Approval rate", "通过率"),
    "strategy_y": Text("Bad rate of approved", "通过者坏样本率"),
    "cut_off": Text("Cut-off", "分数线"),
    "cut_off_here": Text("this report's", "本报告所用"),
    "approved": Text("Approved", "通过数"),
    "approval_share": Text("Approval rate", "通过率"),
    "approved_event_rate": Text("Bad rate of approved", "通过者坏样本率"),
    "declined_event_rate": Text("Bad rate of declined", "拒绝者坏样本率"),
    "events_avoided": Text("Bad kept out", "拦截坏样本占比"),
    "economics": Text("Sums are in units of exposure:", "金额以敞口为单位："),
    "exposure_one": Text("1 per firm", "每家企业计 1"),
    "loss_given_default": Text("loss given default", "违约损失率"),
    "margin": Text("margin on the good", "好样本收益率"),
    "expected_loss": Text("Expected loss", "预期损失"),
    "observed_loss": Text("Observed loss", "实际损失"),
    "profit": Text("Profit", "利润"),
    "rejected": Text("Firms marked as rejected", "拒绝标记"),
    "rejected_caption": Text(
        "Firms below the cut-off carry the mark in sample_scores.csv, by split.",
        "低于分数线的企业在 sample_scores.csv 中带有拒绝标记，按数据集列示。",
    ),
    "rejected_rows": Text("Marked", "标记数"),
    "rejected_share": Text("Share", "占比"),
    "reject_inference": Text(
        "No reject inference: the sample holds only firms that were granted a loan and whose outcome is known. Firms "
        "that earlier rules or clerks turned away are not in it, so bad rates below the cut-off, and all that is said "
        "of approving more than before, hold for firms like those once approved.",
        "未做拒绝推断：样本仅含已获贷款且表现已知的企业。曾被既有规则或人工拒绝的企业不在其中，"
        "因此分数线以下的坏样本率，以及有关放宽审批的任何结论，只适用于与既往获批者相近的企业。",
    ),
    "match": Text("Champion and challenger", "冠军与挑战者"),
    "match_caption": Text(
        "Both models on the same held-out rows, each approving its safest share of them. p: of equal AUC (DeLong); "
        "brackets: 95% paired bootstrap.",
        "两个模型基于同一批留出样本，各自批准风险最低的相同比例。p 值检验 AUC 相等（DeLong）；"
        "方括号为 95% 配对自助法区间。",
    ),
    "champion": Text("Champion", "冠军"),
    "challenger": Text("Challenger", "挑战者"),
    "match_bank_alone": Text("bank alone, the fallback", "仅银行特征（兜底模型）"),
    "match_joint": Text("joint", "联合模型"),
    "delong": Text("p of equal AUC", "AUC 相等的 p 值"),
    # Segments
    "section_segments": Text("Segments and fairness", "分群与公平性"),
    "section_segments_lead": Text(
        "The model by columns that the bank watches: does it rank, price and approve each group alike?",
        "按银行关注的列分群：模型对各群体的排序、定价与审批是否一致？",
    ),
    "segment_bars": Text("Approval rate by segment.", "各分群通过率。"),
    "segment_bars_caption": Text(
        "Of the firms of each value, those at or above the cut-off.", "各取值企业中达到分数线者的占比。"
    ),
    "segment": Text("Segment", "分群"),
    "segment_missing": Text("missing", "缺失"),
    "segment_pooled": Text("all others, pooled", "其余合并"),
    "segment_modelled": Text("a feature of the model's table", "模型候选特征"),
    "segment_watched": Text("not a feature of the model", "非模型特征"),
    "row_floor": Text("Rows needed to show a segment", "分群展示所需最少样本数"),
    "mean_probability": Text("Mean PD", "平均 PD"),
    "four_fifths": Text("Ratio to highest", "与最高组之比"),
    "segments_reading": Text(
        "Ratio to highest: approval rate over that of the best-treated segment; below 0.8 (the four-fifths rule) the "
        "bank should be able to give the business reason. Equal bad rates among the approved and unequal approval "
        "rates can both be true; the table shows them side by side and decides nothing.",
        "与最高组之比：该组通过率除以通过率最高组；低于 0.8（五分之四规则）时，银行应能说明业务理由。"
        "坏样本率一致与通过率不一致可以同时成立；本表仅并列展示，不作判断。",
    ),
    # Calibration figures
    "pricing": Text("Calibration tests", "校准检验"),
    "pricing_caption": Text(
        "Mean PD against the bad rate, the p-value of their difference, Hosmer and Lemeshow's test over ten groups "
        "(a small p: probabilities are off), and Cox's slope and intercept (1 and 0 when calibrated). Brier under "
        "the value in brackets beats predicting the bad rate for all.",
        "平均 PD 与坏样本率之差及其 p 值；十组 Hosmer–Lemeshow 检验（p 值小表示概率有偏）；"
        "Cox 斜率与截距（校准时为 1 与 0）。Brier 分数低于括号内数值，即优于对全部样本预测总体坏样本率。",
    ),
    "rate_p_value": Text("p", "p 值"),
    "hosmer_lemeshow": Text("Hosmer–Lemeshow χ² (df)", "Hosmer–Lemeshow χ²（自由度）"),
    "calibration_slope": Text("Slope", "斜率"),
    "calibration_intercept": Text("Intercept", "截距"),
    # Selection
    "selection": Text("Selection", "特征筛选"),
    "selection_caption": Text(
        "Features that were offered and went, in the order of the steps. What a platform withheld before binning is "
        "known to it alone.",
        "已提供但被剔除的特征，按步骤顺序列示。平台在分箱前自行剔除的特征仅平台知晓。",
    ),
    "selection_none": Text("No feature was removed.", "没有特征被剔除。"),
    "step": Text("Step", "步骤"),
    "removed_one-bin": Text("binning", "分箱"),
    "removed_low-iv": Text("information value", "信息值"),
    "removed_high-iv": Text("information value", "信息值"),
    "removed_missing": Text("missing values", "缺失率"),
    "removed_correlation": Text("correlation", "相关性"),
    "removed_vif": Text("variance inflation", "方差膨胀"),
    "removed_stability": Text("stability", "稳定性"),
    "removed_manual": Text("owner's choice", "所有者决定"),
    "removed_sign": Text("sign of weight", "系数符号"),
    "removed_held-sign": Text("sign of weight", "系数符号"),
    "removed_held-penalty": Text("penalty", "惩罚项"),
    "removed_held-selection": Text("elimination", "逐步剔除"),
    "sign_warning": Text(
        "A weight has the wrong sign: on this card, firms that the bin calls safer lose points. Look at the "
        "correlations, or leave the feature out.",
        "存在符号相反的系数：在该卡上，分箱显示更安全的企业反而失分。请查看相关性，或剔除该特征。",
    ),
    # Feedback to departments
    "section_feedback": Text("Feedback to departments", "数据部门反馈"),
    "section_feedback_lead": Text(
        "What each department's data was worth in this model; for the platform, no label was seen.",
        "各部门数据在本模型中的使用与成效；平台未接触任何标签。",
    ),
    "feedback_held_out": Text("Held-out firms, to the hundred", "留出样本企业数（按百取整）"),
    "feedback_untold": Text(
        "The bank told no figures of the joint model: too few firms were held out.",
        "银行未告知联合模型的指标：留出样本过少。",
    ),
    "departments": Text("Information value by department.", "各部门信息值。"),
    "departments_caption": Text(
        "Sum over the features in use; a feature of several departments counts for each.",
        "在用特征信息值之和；多部门共同负责的特征分别计入。",
    ),
    "department": Text("Department", "部门"),
    "feedback_offered": Text("Features offered", "提供特征数"),
    "feedback_used": Text("In use", "采用数"),
    "feedback_spread": Text("Share of spread", "得分差异占比"),
    "feedback_in_use": Text("in use", "已采用"),
    "feedback_features": Text("Features", "特征"),
    "feedback_reading": Text(
        "Share of spread: how much of the difference between firms in the platform's points is due to the feature "
        "(its Shapley value of their variance). Shares of the AUC by department would need the bank's labels; the "
        "bank's report tells that share for the platform as a whole.",
        "得分差异占比：平台得分在企业间的差异中由该特征贡献的部分（方差的 Shapley 值）。"
        "按部门计算 AUC 份额需要银行标签；平台整体的该份额见银行报告。",
    ),
    "mode": Text("Shared by", "共享方式"),
    "coverage": Text("Firms with a value", "有值企业占比"),
    # Compare
    "match_too_few": Text(
        "No match: too few rows were held out in every job compared. Jobs draw their own splits; larger test shares "
        "leave more rows that none of them has trained on.",
        "未做对比：各作业均留出的样本过少。各作业自行划分样本；提高测试集比例可留出更多共同未训练样本。",
    ),
    "section_match": Text("Champion and challenger", "冠军与挑战者"),
    "section_match_lead": Text(
        "Rows that every job held out, scored by each. The first job named is the champion of the others; the bank's "
        "own columns alone, as that job fitted them, are the fallback that all must beat.",
        "各作业均留出的样本，由各模型评分。先列出的作业为其余作业的冠军；该作业仅用银行特征的模型为各方须超越的兜底模型。",
    ),
}
