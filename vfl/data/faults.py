"""Every fault of a table, a label, a value, a consent record and a views file: code, sentence, cure.

Faults of files are in :mod:`vfl.config.files`, those of unified social credit codes in :mod:`vfl.core.uscc`,
those of TOML in general in :mod:`vfl.config.reading`. ``docs/errors.md`` is rendered from all of them by
:mod:`vfl.data.errors_table`.
"""

from __future__ import annotations

from vfl.config.faults import Fault, config_fault, data_fault

__all__ = ["FAULTS"]

# --- the file as a table -----------------------------------------------------------------------------------

FILE_EMPTY = data_fault(
    "FILE_EMPTY",
    "The file holds nothing.",
    "文件没有任何内容。",
    "Export the table again, with a header line.",
    "请重新导出该表，并包含表头。",
)
FILE_NO_ROWS = data_fault(
    "FILE_NO_ROWS",
    "The file holds a header and no rows.",
    "文件只有表头，没有数据行。",
    "Export the table again; check the filter of the export.",
    "请重新导出该表，并检查导出时的筛选条件。",
)
FILE_FORMAT = data_fault(
    "FILE_FORMAT",
    "The content is {kind}, which does not fit the name of the file.",
    "文件内容是{kind_zh}，与文件名不符。",
    "Export the table as CSV text (name.csv) or as Parquet (name.parquet).",
    "请将该表导出为 CSV 文本（name.csv）或 Parquet（name.parquet）。",
)
FILE_UTF16 = data_fault(
    "FILE_UTF16",
    "The file is UTF-16 text.",
    "文件采用 UTF-16 编码。",
    "Save it as \"CSV UTF-8\".",
    "请另存为“CSV UTF-8”格式。",
)
FILE_GBK = data_fault(
    "FILE_GBK",
    "The file is not UTF-8; it reads as GBK/GB18030.",
    "文件不是 UTF-8 编码，疑为 GBK/GB18030 编码。",
    "Set `encoding = \"gb18030\"` in the view, or save the file as UTF-8.",
    "请在视图中设置 `encoding = \"gb18030\"`，或将文件另存为 UTF-8。",
)
FILE_ENCODING = data_fault(
    "FILE_ENCODING",
    "The text is not valid {encoding}.",
    "文本不是有效的 {encoding} 编码。",
    "Save the file as UTF-8 and check that it was not cut or joined from several files.",
    "请将文件另存为 UTF-8，并检查其是否被截断或由不同编码的文件拼接而成。",
)
FILE_NUL = data_fault(
    "FILE_NUL",
    "The row holds a NUL byte: the file is binary or damaged.",
    "该行含有 NUL 字节：文件是二进制文件或已损坏。",
    "Export the table again as text.",
    "请重新以文本格式导出该表。",
)
FILE_DELIMITER = data_fault(
    "FILE_DELIMITER",
    "The columns are separated by {found}, not by {declared}.",
    "列分隔符是 {found}，而不是 {declared}。",
    "Set `delimiter = {found}` in the view.",
    "请在视图中设置 `delimiter = {found}`。",
)
FILE_PARQUET = data_fault(
    "FILE_PARQUET",
    "The file is not a readable Parquet file.",
    "文件不是可读取的 Parquet 文件。",
    "Write the file again; it may be cut short.",
    "请重新生成该文件；文件可能不完整。",
)
HEADER_MISSING = data_fault(
    "HEADER_MISSING",
    "The first row looks like data: the header is missing.",
    "首行看起来是数据：缺少表头。",
    "Add a first row with the column names that the view declares.",
    "请在首行加入视图所声明的列名。",
)
HEADER_DUPLICATE = data_fault(
    "HEADER_DUPLICATE",
    "The column name appears {count} times.",
    "该列名出现了 {count} 次。",
    "Rename or remove the extra columns: nobody can tell which one is meant.",
    "请重命名或删除重复的列：无法判断应使用哪一列。",
)
HEADER_MISMATCH = data_fault(
    "HEADER_MISMATCH",
    "The file differs from the declared view: missing {missing}.",
    "文件与视图声明不符：缺少 {missing}。",
    "Export these columns, or correct their names in the view; columns that are not declared are never read.",
    "请导出这些列，或更正视图中的列名；未声明的列不会被读取。",
)
ROW_RAGGED = data_fault(
    "ROW_RAGGED",
    "The row has {found} cells; the header has {expected}.",
    "该行有 {found} 个单元格，而表头有 {expected} 列。",
    "Look for an unquoted delimiter or line break in the row and quote the cell.",
    "请检查该行是否有未加引号的分隔符或换行符，并为该单元格加上引号。",
)
QUOTE_UNCLOSED = data_fault(
    "QUOTE_UNCLOSED",
    "A quotation mark opened in this row is never closed.",
    "该行的引号没有闭合。",
    "Close the quotation mark; one inside a quoted cell is written twice (RFC 4180).",
    "请闭合引号；带引号单元格内的引号须写两次（RFC 4180）。",
)
QUOTE_MALFORMED = data_fault(
    "QUOTE_MALFORMED",
    "Text follows a closing quotation mark.",
    "引号闭合后还有文字。",
    "Write a quotation mark inside a quoted cell twice (RFC 4180).",
    "带引号单元格内的引号须写两次（RFC 4180）。",
)
LINE_ENDING = data_fault(
    "LINE_ENDING",
    "The row holds a lone carriage return.",
    "该行含有单独的回车符（CR）。",
    "Save the file with line ends LF or CR LF; quote cells that hold line breaks.",
    "请以 LF 或 CR LF 换行保存文件；含换行的单元格须加引号。",
)
CELL_LIMIT = data_fault(
    "CELL_LIMIT",
    "A cell is longer than 128 KiB or the row longer than 1 MiB.",
    "单元格长度超过 128 KiB，或该行长度超过 1 MiB。",
    "Remove the free-text or binary column from the export.",
    "请从导出文件中去掉长文本或二进制列。",
)
USCC_NUMBER_COLUMN = data_fault(
    "USCC_NUMBER_COLUMN",
    "The column of unified social credit codes holds numbers, not text.",
    "统一社会信用代码列是数值类型，不是文本。",
    "Export it as text: a number loses leading zeros, letters and the last digits.",
    "请以文本类型导出：数值类型会丢失前导零、字母和末尾数字。",
)
USCC_COLUMN_NOT_FOUND = data_fault(
    "USCC_COLUMN_NOT_FOUND",
    "No column holds unified social credit codes.",
    "没有任何一列是统一社会信用代码。",
    "Add the column to the export; tables are joined on it.",
    "请在导出中加入该列；各方按此代码对齐。",
)
USCC_DUPLICATE = data_fault(
    "USCC_DUPLICATE",
    "The code was seen before, in row {first}, after normalisation.",
    "该代码经规范化后与第 {first} 行重复。",
    "Keep one row per firm, or set `bad_codes = \"quarantine\"` to leave out all rows of such firms.",
    "每家企业只保留一行；或设置 `bad_codes = \"quarantine\"`，隔离此类企业的所有行。",
)

ROWS_ALL_QUARANTINED = data_fault(
    "ROWS_ALL_QUARANTINED",
    "Every row was quarantined for its code.",
    "所有行均因代码有误被隔离。",
    "Check that the right column is declared as `id`.",
    "请检查 `id` 声明的列是否正确。",
)

# --- labels ------------------------------------------------------------------------------------------------

LABEL_MISSING = data_fault(
    "LABEL_MISSING",
    "The label is missing.",
    "缺少标签。",
    "Leave rows without a known outcome out of the training table.",
    "请将结果未知的行从训练表中剔除。",
)
LABEL_VALUE = data_fault(
    "LABEL_VALUE",
    "The label is neither 0 nor 1.",
    "标签既不是 0 也不是 1。",
    "Write 1 for the event (bad) and 0 for all else; leave indeterminate cases out.",
    "违约（坏样本）记为 1，其余记为 0；不确定样本请剔除。",
)
LABEL_ONE_CLASS = data_fault(
    "LABEL_ONE_CLASS",
    "All labels are the same.",
    "所有标签都相同。",
    "Check the definition of the event and the window of the sample.",
    "请检查坏样本定义和样本窗口。",
)
LABEL_FEW_EVENTS = data_fault(
    "LABEL_FEW_EVENTS",
    "There are fewer than {floor} rows of one class.",
    "其中一类样本少于 {floor} 行。",
    "Widen the window of the sample: a model from so few cannot be trusted or kept private.",
    "请扩大样本窗口：样本过少的模型既不可靠，也难以保护隐私。",
)

# --- values ------------------------------------------------------------------------------------------------

VALUE_NOT_NUMBER = data_fault(
    "VALUE_NOT_NUMBER",
    "The cell of a numeric feature is not a number.",
    "数值型特征的单元格不是数字。",
    "Declare the text under `missing` if it means missing, or make the feature categorical.",
    "若该文字表示缺失，请在 `missing` 中声明；否则请将该特征改为类别型。",
)
VALUE_THOUSANDS = data_fault(
    "VALUE_THOUSANDS",
    "The number is written with thousands separators.",
    "数字带有千位分隔符。",
    "Export plain numbers, without commas.",
    "请导出不带逗号的纯数字。",
)
VALUE_PERCENT = data_fault(
    "VALUE_PERCENT",
    "The number is written with a percent sign.",
    "数字带有百分号。",
    "Export the share as a plain number (0.12 for twelve per cent).",
    "请导出为小数（百分之十二写作 0.12）。",
)
VALUE_UNIT = data_fault(
    "VALUE_UNIT",
    "The number is written with a currency or a unit.",
    "数字带有货币符号或单位。",
    "Export plain numbers in one unit.",
    "请统一单位后导出纯数字。",
)
VALUE_DATE = data_fault(
    "VALUE_DATE",
    "The cell of a numeric feature is a date.",
    "数值型特征的单元格是日期。",
    "Export a duration, such as days before the observation date, in its place.",
    "请改为导出时长（例如距观察日的天数）。",
)
VALUE_INFINITE = data_fault(
    "VALUE_INFINITE",
    "The number is infinite.",
    "数值为无穷大。",
    "Find the division by zero at the source, or declare the text under `missing`.",
    "请在源头排查除零，或在 `missing` 中声明该文字。",
)
VALUE_LIMIT = data_fault(
    "VALUE_LIMIT",
    "The magnitude is beyond {limit}, where neighbouring amounts can no longer be told apart.",
    "数值绝对值超过 {limit}，已无法精确区分相邻数额。",
    "Correct the value, use a larger unit, or declare the code under `missing`.",
    "请更正该值、改用更大的单位，或在 `missing` 中声明该代码。",
)
VALUE_TYPE = data_fault(
    "VALUE_TYPE",
    "The column has type {found}: neither text nor number nor date.",
    "该列类型为 {found}，既不是文本，也不是数值或日期。",
    "Cast the column in the export.",
    "请在导出时转换该列类型。",
)
TEXT_EXPECTED = data_fault(
    "TEXT_EXPECTED",
    "The column holds numbers, not text.",
    "该列是数值类型，不是文本。",
    "Export the column as text.",
    "请以文本类型导出该列。",
)
DATE_FORMAT = data_fault(
    "DATE_FORMAT",
    "The cell is not a date of the form YYYY-MM-DD.",
    "单元格不是 YYYY-MM-DD 格式的日期。",
    "Export dates as YYYY-MM-DD; a date may not be blank here.",
    "请以 YYYY-MM-DD 格式导出日期；此处日期不得为空。",
)
DATE_EXCEL_SERIAL = data_fault(
    "DATE_EXCEL_SERIAL",
    "The cell is a spreadsheet's day number, not a date.",
    "单元格是电子表格的日期序号，而不是日期。",
    "Format the column as YYYY-MM-DD before the export.",
    "请先将该列设为 YYYY-MM-DD 格式再导出。",
)
DATE_FUTURE = data_fault(
    "DATE_FUTURE",
    "The date lies in the future.",
    "日期晚于今天。",
    "Correct the date, or the clock of this machine.",
    "请更正该日期，或校准本机时钟。",
)
SNAPSHOT_LOOKAHEAD = data_fault(
    "SNAPSHOT_LOOKAHEAD",
    "The snapshot is later than the observation date: the model would look ahead.",
    "快照日期晚于观察日：模型将“预见未来”。",
    "Take the features from the last snapshot on or before the observation date.",
    "请取观察日当天或之前最近一期快照的特征。",
)

# --- features as a whole; the owner may sign the last ones off ---------------------------------------------

FEATURE_EMPTY = data_fault(
    "FEATURE_EMPTY",
    "All values of the feature are missing.",
    "该特征全部缺失。",
    "Check the export and the `missing` codes, or take the feature out of the view.",
    "请检查导出与 `missing` 代码，或将该特征移出视图。",
)
FEATURE_CONSTANT = data_fault(
    "FEATURE_CONSTANT",
    "The feature has one value only.",
    "该特征只有一个取值。",
    "Take it out of the view, or list this code under the feature's `signed_off`.",
    "请将其移出视图，或在该特征的 `signed_off` 中列出此代码。",
)
FEATURE_IDENTIFIER = data_fault(
    "FEATURE_IDENTIFIER",
    "The feature looks like an identifier: {reason}.",
    "该特征疑似标识符：{reason_zh}。",
    "Take it out of the view, or list this code under the feature's `signed_off`.",
    "请将其移出视图，或在该特征的 `signed_off` 中列出此代码。",
)
FEATURE_IS_LABEL = data_fault(
    "FEATURE_IS_LABEL",
    "The feature alone tells the label (AUC above {limit}).",
    "该特征几乎等同于标签（AUC 高于 {limit}）。",
    "If it is known before the decision, list this code under the feature's `signed_off`; if not, remove it.",
    "若该特征在决策前即已知，请在其 `signed_off` 中列出此代码；否则请移除。",
)
FEATURE_DATE_NUMBER = data_fault(
    "FEATURE_DATE_NUMBER",
    "The numbers look like dates ({form}).",
    "这些数字疑似日期（{form}）。",
    "Use a duration up to the observation date; a bare date does not carry over to new cases.",
    "请改为距观察日的时长；裸日期无法推广到新样本。",
)

# --- consent -----------------------------------------------------------------------------------------------

CONSENT_BLANK = data_fault(
    "CONSENT_BLANK",
    "The consent record names no grantee or no purpose.",
    "授权记录缺少被授权方或用途。",
    "Complete the record at its source; a consent for anyone or anything is not one.",
    "请在源头补全该记录；未写明对象或用途的授权无效。",
)
CONSENT_DATES = data_fault(
    "CONSENT_DATES",
    "The consent ends before it begins.",
    "授权的截止日早于起始日。",
    "Correct the dates at their source.",
    "请在源头更正日期。",
)
CONSENT_UNDECLARED = config_fault(
    "CONSENT_UNDECLARED",
    "The file declares no consent records.",
    "配置未声明授权记录。",
    "Add a [consents] table with `source = \"consents.csv\"`.",
    "请增加 [consents] 表，并填写 `source = \"consents.csv\"`。",
)

# --- views.toml --------------------------------------------------------------------------------------------

MISSING_CODES = config_fault(
    "MISSING_CODES",
    "The missing codes are not a list of texts and numbers.",
    "缺失代码应为文本和数字组成的列表。",
    "Write them as in `missing = [\"NA\", -999]`.",
    "请按 `missing = [\"NA\", -999]` 的形式填写。",
)
CODE_NOT_SIGNABLE = config_fault(
    "CODE_NOT_SIGNABLE",
    "This code cannot be signed off.",
    "该代码不可签认。",
    "Codes that can: {allowed}.",
    "可签认的代码：{allowed}。",
)
COLUMN_TWICE = config_fault(
    "COLUMN_TWICE",
    "One column serves twice: as {first} and as {second}.",
    "同一列用作两处：{first} 与 {second}。",
    "Keep one use; the code, the label and the dates are never features.",
    "请只保留一处；代码、标签和日期列不能作为特征。",
)
LABEL_AT_PLATFORM = config_fault(
    "LABEL_AT_PLATFORM",
    "A platform's view declares a label; labels belong to the bank alone.",
    "平台视图声明了标签；标签只能由银行持有。",
    "Remove the key `label`.",
    "请删除 `label` 配置项。",
)
LABEL_UNDECLARED = config_fault(
    "LABEL_UNDECLARED",
    "A training table of the bank needs a label, and the view declares none.",
    "银行的训练表需要标签，而视图未声明标签列。",
    "Add `label = \"…\"`, the column that is 1 for the event.",
    "请增加 `label = \"…\"`（违约记为 1 的列）。",
)
VIEW_UNKNOWN = config_fault(
    "VIEW_UNKNOWN",
    "The file declares no view of this name.",
    "配置中没有该名称的视图。",
    "Declared: {declared}.",
    "已声明的视图：{declared}。",
)
FEATURE_UNDECLARED = config_fault(
    "FEATURE_UNDECLARED",
    "The view {view} declares no {kind} feature of this name.",
    "视图 {view} 未声明该名称的{kind_zh}特征。",
    "Declared: {declared}.",
    "已声明：{declared}。",
)
VIEWS_NONE = config_fault(
    "VIEWS_NONE",
    "The file declares no view.",
    "配置未声明任何视图。",
    "Add a table [views.NAME]; `vfl init views` writes one from a CSV header.",
    "请增加 [views.名称] 表；`vfl init views` 可根据 CSV 表头生成。",
)
VIEW_ROLE = config_fault(
    "VIEW_ROLE",
    "The views cannot be read in the role {role}.",
    "不能以 {role} 角色读取这些视图。",
    "Read them at the bank or platform they were written for; a coordinator holds no rows.",
    "请在其所属的银行或平台节点读取；协调方不持有任何数据行。",
)
SOURCE_KIND = config_fault(
    "SOURCE_KIND",
    "The source is neither a .csv nor a .parquet file.",
    "数据源既不是 .csv 文件，也不是 .parquet 文件。",
    "Name a CSV or Parquet file; export database tables to one of them.",
    "请填写 CSV 或 Parquet 文件；数据库表请先导出为其中一种。",
)
SOURCE_EXTRA = config_fault(
    "SOURCE_EXTRA",
    "Parquet files need the package pyarrow, which is not installed.",
    "读取 Parquet 需要 pyarrow，当前未安装。",
    "Run `pip install 'joint-credit-lab[parquet]'`, or export CSV.",
    "请执行 `pip install 'joint-credit-lab[parquet]'`，或改用 CSV。",
)

FAULTS = tuple(value for value in globals().values() if isinstance(value, Fault))
