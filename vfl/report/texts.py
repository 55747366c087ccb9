"""Every word of the report that is ours, in English and in Chinese; tests prove that none is missing."""

from __future__ import annotations

from collections.abc import Mapping

from vfl.errors import Text
from vfl.report.performance_model import ModelKind, ModelPerformance, Uplift
from vfl.report.strategy_texts import STRATEGY_LABELS

__all__ = ["LABELS", "MODEL_NAMES", "is_split", "model_name", "split_name"]

MODEL_NAMES: Mapping[ModelKind, Text] = {
    ModelKind.PLATFORM_ALONE: Text("platform alone", "仅平台特征"),
    ModelKind.BANK_ALONE: Text("bank alone", "仅银行特征"),
    ModelKind.JOINT: Text("joint", "联合模型"),
    ModelKind.POOLED: Text("pooled (yardstick)", "合并数据（标尺）"),
}

_SPLITS: Mapping[str, Text] = {
    "train": Text("training", "训练集"),
    "valid": Text("validation", "验证集"),
    "test": Text("test", "测试集"),
    "out_of_time": Text("out of time", "跨期样本"),
}


def split_name(split: str) -> Text:
    """The split's name in both languages; a name of the job's own is kept."""
    return _SPLITS.get(split, Text(split, split))


def is_split(name: str) -> bool:
    """Whether this is one of our splits, or else a period or a name of the job's own."""
    return name in _SPLITS


def model_name(model: ModelPerformance | Uplift) -> Text:
    """Name of the model, or of the model that an uplift is over, with its party where that is needed."""
    name = MODEL_NAMES[model.over if isinstance(model, Uplift) else model.model]
    return Text(f"{name.en} ({model.party})", f"{name.zh}（{model.party}）") if model.party else name


LABELS: Mapping[str, Text] = {
    **STRATEGY_LABELS,
    # Page
    "report_kind": Text("Joint credit model report", "联合信用模型报告"),
    "compare_kind": Text("Comparison of joint credit models", "联合信用模型对比"),
    "footer": Text(
        "Rendered from report.json alone; it needs no network and no script. Software version",
        "本页仅由 report.json 生成，无需网络与脚本。软件版本",
    ),
    "plaintext_warning": Text(
        "Study run with the plaintext backend: nothing was encrypted. Not for real data.",
        "本次为明文后端的研究性运行：未做任何加密，不得用于真实数据。",
    ),
    "table_behind": Text("Numbers behind the picture", "图中数据"),
    "nothing_to_draw": Text(
        "Nothing to draw: the numbers are not defined on these rows (see the table).",
        "无图可绘：在这些样本上相关数值没有定义（见表）。",
    ),
    "not_disclosed": Text("not disclosed", "不披露"),
    "not_named": Text("name withheld by contract", "按合同不公开名称"),
    "total": Text("Total", "合计"),
    "role_bank": Text("bank", "银行"),
    "role_platform": Text("credit platform", "信用平台"),
    "role_coordinator": Text("coordinator", "协调方"),
    # Sections
    "section_summary": Text("Summary", "摘要"),
    "section_summary_lead": Text("What was agreed and what came of it.", "约定内容与主要结果。"),
    "section_sample": Text("Sample", "样本"),
    "section_sample_lead": Text(
        "Only firms with a valid consent enter; only firms known to all parties are modelled.",
        "仅纳入授权有效的企业；仅对各方共有的企业建模。",
    ),
    "section_performance": Text("Performance", "模型效果"),
    "section_performance_lead": Text(
        "The same rows scored by each model. Brackets: 95% bootstrap interval.",
        "各模型对同一批样本评分。方括号内为 95% 自助法区间。",
    ),
    "section_bands": Text("Score bands", "分数段"),
    "section_bands_lead": Text("A higher score is safer.", "分数越高，风险越低。"),
    "section_importance": Text("Importance", "特征贡献"),
    "section_importance_lead": Text("What each owner's data adds to the model.", "各方数据对模型的贡献。"),
    "section_scorecard": Text("Scorecard", "评分卡"),
    "section_scorecard_lead": Text(
        "Scaling, coefficients, binning and reasons. Another owner's bins are shown as far as the contract allows.",
        "刻度、系数、分箱与原因码。他方分箱仅按合同允许的范围展示。",
    ),
    "section_trees": Text("Trees", "树模型"),
    "section_trees_lead": Text(
        "Boosted trees; each owner keeps its own thresholds.", "梯度提升树；各方各自保管己方的切分点。"
    ),
    "section_stability": Text("Stability", "稳定性"),
    "section_stability_lead": Text(
        "Stability index of the score and of the features (CSI): below 0.1 stable, above 0.25 shifted.",
        "分数与特征的稳定性指数（特征为 CSI）：低于 0.1 稳定，高于 0.25 已偏移。",
    ),
    "section_ledger": Text("What left each domain", "出域台账"),
    "section_ledger_lead": Text(
        "Every message that left, by type: what it is, how much, and what its receiver learns. "
        "There is no message type for raw data.",
        "按类型列出全部出域消息：是什么、有多少、接收方获知什么。不存在承载原始数据的消息类型。",
    ),
    "section_costs": Text("Costs", "开销"),
    "section_costs_lead": Text("Time, traffic, memory and key operations.", "时间、流量、内存与密钥运算。"),
    "section_card": Text("Model card and reproducibility", "模型说明与可复现性"),
    "section_card_lead": Text(
        "What the model is for, where it must not be trusted, and how to check this run.",
        "模型的用途、不可信赖之处，以及如何核验本次运行。",
    ),
    # Header facts
    "purpose": Text("Purpose", "用途"),
    "event_definition": Text("Bad (event, y = 1)", "坏样本定义（y = 1）"),
    "non_event_definition": Text("Good (y = 0)", "好样本定义（y = 0）"),
    "observation_window": Text("Observation window", "观察期"),
    "performance_window": Text("Performance window", "表现期"),
    "algorithm": Text("Algorithm", "算法"),
    "algorithm_scorecard": Text("scorecard", "评分卡"),
    "algorithm_logistic": Text("logistic regression", "逻辑回归"),
    "algorithm_trees": Text("boosted trees", "梯度提升树"),
    "backend": Text("Encryption", "加密"),
    "backend_plaintext": Text("none (plaintext)", "无（明文）"),
    "bits_of_key": Text("bit keys", "位密钥"),
    "started": Text("Started", "开始"),
    "finished": Text("Finished", "完成"),
    "job": Text("Job", "作业"),
    "software_version": Text("Software", "软件版本"),
    "contract_hash": Text("Contract hash", "合同哈希"),
    # Sample
    "party": Text("Party", "参与方"),
    "rows": Text("Rows", "样本数"),
    "consented": Text("With valid consent", "授权有效"),
    "intersection": Text("In common, modelled", "共有并建模"),
    "split": Text("Split", "数据集"),
    "events": Text("Bad", "坏样本"),
    "non_events": Text("Good", "好样本"),
    "event_rate": Text("Bad rate", "坏样本率"),
    "period": Text("Period", "时期"),
    "row_share": Text("Share of rows", "样本占比"),
    "one_class": Text(
        "only one class among these rows, so AUC and KS are not defined here.",
        "仅含一类样本，AUC 与 KS 在此没有定义。",
    ),
    "periods": Text("Bad rate by period.", "各期坏样本率。"),
    "periods_caption": Text(
        "Bars: share of rows. Line: bad rate, where a period has 30 rows or more.",
        "柱：样本占比。线：坏样本率（样本数不少于 30 的时期）。",
    ),
    "periods_x": Text("Period", "时期"),
    # Performance
    "model": Text("Model", "模型"),
    "auc": Text("AUC", "AUC"),
    "ks": Text("KS", "KS"),
    "gini": Text("Gini", "Gini"),
    "brier": Text("Brier score", "Brier 分数"),
    "log_loss": Text("Log loss", "对数损失"),
    "auc_undefined": Text(
        "A dash stands where a number is not defined: AUC, KS and Gini need rows of both classes.",
        "短横表示没有定义：AUC、KS 与 Gini 需要好、坏两类样本。",
    ),
    "uplift": Text("Gain of the joint model", "联合模型的提升"),
    "uplift_caption": Text(
        "Joint less each party alone, on the same rows (paired bootstrap).",
        "联合模型减去单方模型，基于同一批样本（配对自助法）。",
    ),
    "over": Text("Compared with", "对照"),
    "auc_gain": Text("AUC gain", "AUC 提升"),
    "ks_gain": Text("KS gain", "KS 提升"),
    "verdict": Text("Reading", "解读"),
    "gain_sure": Text("gain beyond chance", "提升超出随机波动"),
    "gain_unsure": Text("may be chance", "可能为随机波动"),
    "gain_loss": Text("loss beyond chance", "下降超出随机波动"),
    "gain_unknown": Text("no interval", "无区间"),
    "pictures": Text("Pictures", "图示"),
    "roc": Text("ROC curve.", "ROC 曲线。"),
    "roc_caption": Text(
        "The further above the dotted diagonal, the better bad and good are told apart.",
        "曲线越高于虚线对角线，好坏区分越好。",
    ),
    "axis_fpr": Text("Share of good flagged (FPR)", "好样本误判率（FPR）"),
    "axis_tpr": Text("Share of bad caught (TPR)", "坏样本捕获率（TPR）"),
    "fpr": Text("FPR", "FPR"),
    "tpr": Text("TPR", "TPR"),
    "ks_caption": Text(
        "Joint model, riskiest first. KS is the widest gap between the two lines.",
        "联合模型，由高风险到低风险累计。KS 为两线最大间距。",
    ),
    "axis_share_riskiest": Text("Share of rows, riskiest first", "样本累计占比（高风险在前）"),
    "axis_caught": Text("Share caught", "累计占比"),
    "share_riskiest": Text("Riskiest share", "高风险累计占比"),
    "events_caught": Text("Bad caught", "坏样本累计"),
    "non_events_caught": Text("Good caught", "好样本累计"),
    "gap": Text("Gap", "间距"),
    "lift": Text("Lift", "提升度"),
    "lift_caption": Text(
        "by tenths of the rows, riskiest first: bad rate of the tenth over the overall bad rate.",
        "按风险由高到低十等分：该组坏样本率除以总体坏样本率。",
    ),
    "axis_group_riskiest": Text("Tenth of rows, riskiest first", "十等分组（高风险在前）"),
    "group": Text("Tenth", "组"),
    "cumulative_lift": Text("Cumulative lift", "累计提升度"),
    "caught": Text("Bad caught so far", "坏样本累计捕获"),
    "calibration": Text("Calibration", "校准"),
    "calibration_caption": Text(
        "of the joint model by tenths of prediction; whiskers: 95% Wilson interval. On the dotted line, "
        "predicted and observed agree.",
        "联合模型按预测概率十等分；须线为 95% Wilson 区间。落在虚线上即预测与实际一致。",
    ),
    "axis_predicted": Text("Mean predicted probability", "平均预测概率"),
    "axis_observed": Text("Observed bad rate", "实际坏样本率"),
    "predicted": Text("Predicted", "预测"),
    "observed": Text("Observed", "实际"),
    "difference": Text("Difference, points of %", "差异（百分点）"),
    # Bands
    "bands": Text("Score bands.", "分数段。"),
    "bands_caption": Text("Bars: share of rows. Line: bad rate.", "柱：样本占比。线：坏样本率。"),
    "bands_x": Text("Score", "分数"),
    "band": Text("Score band", "分数段"),
    "swaps": Text("Swap set", "换入换出"),
    "swaps_caption": Text(
        "Joint model against the bank's own at the same approval rate: who is newly approved (in) and who no "
        "longer is (out).",
        "在相同通过率下，以联合模型替换银行自有模型：新通过者（换入）与不再通过者（换出）。",
    ),
    "swap_both": Text("Approved by both", "两者均通过"),
    "swap_in": Text("Swapped in", "换入"),
    "swap_out": Text("Swapped out", "换出"),
    "events_saved": Text("Fewer bad approved", "少批坏样本"),
    # Importance
    "measure": Text("Measured by", "度量"),
    "measure_gain": Text("total gain of splits", "切分总增益"),
    "measure_shapley": Text("Shapley value", "Shapley 值"),
    "measure_iv": Text("information value", "信息值（IV）"),
    "measure_coefficient": Text("size of the weight", "系数绝对值"),
    "owners": Text("By owner.", "按数据方。"),
    "owners_caption": Text("Sum over each party's features.", "各方特征之和。"),
    "features": Text("By feature.", "按特征。"),
    "features_caption": Text(
        "The strongest thirty, coloured by owner; the table has all.", "最强的三十个特征，按数据方着色；表中为全部。"
    ),
    "categories": Text("By catalogue item.", "按目录类别。"),
    "categories_caption": Text(
        "Shapley share of the joint AUC by item of the national catalogue; whiskers: bootstrap interval.",
        "按全国信用信息共享清单类别计算的 AUC 之 Shapley 份额；须线为自助法区间。",
    ),
    "catalogue_item": Text("Catalogue item", "目录类别"),
    "share_of_auc": Text("Share of AUC", "AUC 份额"),
    "importance": Text("Importance", "贡献"),
    "share": Text("Share", "占比"),
    "feature": Text("Feature", "特征"),
    # Scorecard
    "scaling": Text("Points scaling", "分数刻度"),
    "base_points": Text("Base points", "基准分"),
    "base_odds": Text("Base odds, good : bad", "基准好坏比（好 : 坏）"),
    "intercept_points": Text("Points before any bin", "起始分"),
    "coefficients": Text("Coefficients", "系数"),
    "coefficients_caption": Text(
        "Weights of the WOE columns for the log odds of bad. WOE is positive for safer bins, so every weight "
        "should be negative; VIF above 5 calls for a look at the correlations.",
        "各 WOE 列对坏样本对数几率的系数。WOE 为正表示更安全，故系数应为负；VIF 高于 5 时请查看相关性。",
    ),
    "intercept": Text("intercept", "截距"),
    "estimate": Text("Weight", "系数"),
    "standard_error": Text("Standard error", "标准误"),
    "wald_z": Text("z", "z"),
    "p_value": Text("p", "p 值"),
    "vif": Text("VIF", "VIF"),
    "sign": Text("Sign", "符号"),
    "sign_right": Text("as expected", "符合预期"),
    "sign_wrong": Text("wrong way", "方向相反"),
    "correlation": Text("Correlation of the WOE columns.", "WOE 列相关性。"),
    "correlation_caption": Text(
        "Pearson; vermillion positive, blue negative, deeper is stronger.",
        "Pearson 相关；红为正，蓝为负，颜色越深越强。",
    ),
    "woe": Text("Binning", "分箱"),
    "woe_caption": Text("Bars: WOE of each bin. Line: bad rate.", "柱：各箱 WOE。线：坏样本率。"),
    "woe_sense": Text(
        "WOE = ln(share of good / share of bad): positive is safer.", "WOE = ln(好样本占比 / 坏样本占比)：正值更安全。"
    ),
    "bins": Text("Bins", "箱数"),
    "iv": Text("IV", "IV"),
    "iv_strength": Text("Strength", "强度"),
    "iv_none": Text("none (< 0.02)", "无（< 0.02）"),
    "iv_weak": Text("weak (< 0.1)", "弱（< 0.1）"),
    "iv_medium": Text("medium (< 0.3)", "中（< 0.3）"),
    "iv_strong": Text("strong (< 0.5)", "强（< 0.5）"),
    "iv_suspicious": Text("check for leakage (≥ 0.5)", "需排查泄漏（≥ 0.5）"),
    "trend": Text("Trend of bad rate", "坏样本率趋势"),
    "trend_": Text("not stated", "未说明"),
    "trend_ascending": Text("ascending", "递增"),
    "trend_descending": Text("descending", "递减"),
    "trend_peak": Text("peak", "倒 U 形"),
    "trend_valley": Text("valley", "U 形"),
    "trend_none": Text("no simple trend", "无单一趋势"),
    "bin_number": Text("Bin", "箱"),
    "interval": Text("Interval", "区间"),
    "woe_column": Text("WOE", "WOE"),
    "points": Text("Points", "分值"),
    "bin_missing": Text("missing", "缺失"),
    "bin_special": Text("special", "特殊值"),
    "bin_anonymous": Text("edges withheld", "边界不公开"),
    "bin_interval": Text("(no label)", "（无标签）"),
    "bin_categories": Text("(no label)", "（无标签）"),
    "reasons": Text("Reason codes", "原因码"),
    "reasons_caption": Text(
        "Told with a score: the features that pulled it down most. Never a value.",
        "随分数告知：对分数拉低最多的特征。从不包含具体取值。",
    ),
    "code": Text("Code", "代码"),
    "reason": Text("Reason", "原因"),
    # Trees
    "trees": Text("Trees", "树数"),
    "tree": Text("Tree", "树"),
    "best_iteration": Text("Best number of trees", "最优树数"),
    "iterations": Text("Learning curve.", "学习曲线。"),
    "iterations_caption": Text(
        "Log loss after each tree; dashed line: the number of trees kept.", "每棵树之后的对数损失；竖虚线为保留的树数。"
    ),
    "iterations_x": Text("Trees", "树数"),
    "iterations_y": Text("Log loss", "对数损失"),
    "loss_train": Text("Training", "训练集"),
    "loss_valid": Text("Validation", "验证集"),
    "splits": Text("Splits by owner.", "各方切分数。"),
    "splits_caption": Text("How many splits use each party's features.", "使用各方特征的切分次数。"),
    "splits_made": Text("Splits", "切分数"),
    # Stability
    "reference": Text("Reference", "基准"),
    "stability": Text("Stability index.", "稳定性指数。"),
    "stability_caption": Text(
        "Score and the most shifted features; dashed: 0.1 and 0.25.", "分数与偏移最大的特征；虚线为 0.1 与 0.25。"
    ),
    "stability_index": Text("Stability index", "稳定性指数"),
    "what": Text("What", "项目"),
    "score": Text("score", "分数"),
    "stable": Text("stable", "稳定"),
    "drifting": Text("watch", "关注"),
    "shifted": Text("shifted", "已偏移"),
    "stability_unknown": Text("not defined", "无定义"),
    # Ledger
    "sankey": Text("Flows.", "流向。"),
    "sankey_caption": Text(
        "From sender through message type to receiver; thickness: bytes (with a floor, so that nothing is too "
        "small to see); colour: kind.",
        "由发送方经消息类型至接收方；粗细为字节数（设有下限，任何流量均可见）；颜色为类别。",
    ),
    "sender": Text("From", "发送方"),
    "receiver": Text("To", "接收方"),
    "message": Text("Message type", "消息类型"),
    "messages": Text("Messages", "消息数"),
    "volume": Text("Volume", "数据量"),
    "kind": Text("Kind", "类别"),
    "count": Text("Count", "数量"),
    "bits": Text("Bits told, at most", "披露比特上限"),
    "learns": Text("What the receiver learns", "接收方获知"),
    "ledger_table": Text("All message types", "全部消息类型"),
    "bits_meaning": Text(
        "Bits: the most an honest but curious receiver can learn from all messages of the type; a dash: no bound "
        "is stated.",
        "比特：诚实但好奇的接收方从该类全部消息中最多可获知的信息量；短横：未声明上限。",
    ),
    "budget_bits": Text("Budget by contract", "合同预算"),
    "kind_public": Text("public", "公开"),
    "kind_public_means": Text("parameters and proofs that all may know", "各方皆可知的参数与证明"),
    "kind_ciphertext": Text("ciphertext", "密文"),
    "kind_ciphertext_means": Text("encrypted under a key the receiver does not hold", "以接收方不持有的密钥加密"),
    "kind_blinded": Text("blinded", "盲化"),
    "kind_blinded_means": Text("points under the sender's secret scalar", "以发送方秘密标量盲化的点"),
    "kind_masked": Text("masked", "掩码"),
    "kind_masked_means": Text("readable but for what a random mask hides", "除随机掩码所遮蔽者外可读"),
    "kind_aggregate": Text("aggregate", "聚合"),
    "kind_aggregate_means": Text("sums over at least the floor of rows", "不少于下限行数的汇总"),
    "kind_disclosure": Text("disclosure", "披露"),
    "kind_disclosure_means": Text("told on purpose, for a stated reason", "有意告知，且注明理由"),
    # Costs
    "phases": Text("Time by phase.", "各阶段用时。"),
    "phases_caption": Text("Wall-clock time.", "墙钟时间。"),
    "phase": Text("Phase", "阶段"),
    "phase_keys": Text("keys", "密钥"),
    "phase_alignment": Text("alignment", "样本对齐"),
    "phase_shapes": Text("feature shapes", "特征形状"),
    "phase_trees": Text("trees", "树训练"),
    "phase_binning": Text("binning", "分箱"),
    "phase_screening": Text("screening", "特征筛选"),
    "phase_scorecard": Text("points", "评分卡得分"),
    "phase_logistic": Text("logistic regression", "逻辑回归"),
    "phase_boosting": Text("boosting", "提升树训练"),
    "phase_scoring": Text("scoring", "评分"),
    "phase_evaluation": Text("evaluation", "评估"),
    "seconds": Text("Time", "用时"),
    "tree_seconds": Text("Time per tree.", "单棵树用时。"),
    "tree_seconds_caption": Text("Wall-clock time of each tree in order.", "按顺序列出每棵树的墙钟时间。"),
    "tree_seconds_x": Text("Tree", "树"),
    "tree_seconds_y": Text("Seconds", "秒"),
    "edges": Text("Traffic by edge", "各方向流量"),
    "nodes": Text("Nodes", "节点"),
    "peak_memory": Text("Peak memory", "内存峰值"),
    "cpu_seconds": Text("CPU time", "CPU 时间"),
    "cores": Text("Cores", "核数"),
    "operations": Text("Key operations", "密钥运算"),
    "operation": Text("Operation", "运算"),
    "operation_encrypt": Text("encryptions", "加密"),
    "operation_decrypt": Text("decryptions", "解密"),
    "operation_add": Text("ciphertext additions", "密文加法"),
    "operation_multiply": Text("ciphertext × number", "密文数乘"),
    "operation_seal": Text("re-randomisations", "重随机化"),
    "operation_blind": Text("curve multiplications", "曲线标量乘"),
    # Card
    "uses": Text("Intended use", "预期用途"),
    "limits": Text("Limits", "局限"),
    "fingerprints": Text("Fingerprints", "指纹"),
    "fingerprints_caption": Text(
        "Equal inputs, contract and seeds give equal hashes; the audit heads prove that no entry was removed.",
        "输入、合同与种子相同，则哈希相同；审计链头可证明无记录被删除。",
    ),
    "value": Text("Value", "值"),
    "fingerprint_model": Text("model hash", "模型哈希"),
    "fingerprint_contract": Text("contract hash", "合同哈希"),
    "fingerprint_code": Text("code digest", "代码摘要"),
    "fingerprint_seed": Text("seed commitment", "种子承诺"),
    "fingerprint_audit": Text("audit head", "审计链头"),
    "fingerprint_rows": Text("row order root", "样本序根"),
    "fingerprint_alignment_root": Text("root of the aligned rows", "对齐样本根"),
    "fingerprint_data": Text("data commitment", "数据承诺"),
    # Comparison
    "section_jobs": Text("Jobs", "作业"),
    "section_jobs_lead": Text("The reports compared.", "参与对比的报告。"),
    "section_joint": Text("Joint models", "联合模型"),
    "section_joint_lead": Text("Each on the split its own summary speaks of.", "各作业以其摘要所用数据集为准。"),
    "section_price": Text("What left, and what it took", "出域量与开销"),
    "section_price_lead": Text("Sums over each job's ledger and costs.", "按各作业台账与开销汇总。"),
    "title": Text("Title", "名称"),
    "compare_caution": Text(
        "Intervals of different samples may not be set against each other: compare jobs that share their rows.",
        "不同样本的区间不可直接比较：请对比使用相同样本的作业。",
    ),
    "footer_compare": Text(
        "Rendered from the jobs' report.json alone; it needs no network and no script.",
        "本页仅由各作业的 report.json 生成，无需网络与脚本。",
    ),
}
