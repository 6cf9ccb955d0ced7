//! The functions there are: their names, what they take and what they give. The type checker, the evaluator and
//! the linter read this one table.

use crate::kind::Kind;

/// What a function takes and gives.
#[derive(Clone, Copy, Debug)]
pub struct FunctionSpec {
    /// As it is written.
    pub name: &'static str,
    /// Kinds of its arguments; the last one also stands for all further ones.
    pub arguments: &'static [Kind],
    /// Fewest arguments.
    pub arguments_min: usize,
    /// Most arguments; no bound when absent.
    pub arguments_max: Option<usize>,
    /// What it gives.
    pub returns: Kind,
}

macro_rules! functions {
    ($($variant:ident $name:literal ($($kind:ident),*) $min:literal ..= $max:expr => $returns:ident;)*) => {
        /// A function of PromQL.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[allow(missing_docs)] // `spec` shows how each is written.
        pub enum Function { $($variant),* }

        impl Function {
            /// All of them, by name.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// What it takes and gives.
            pub const fn spec(self) -> &'static FunctionSpec {
                match self {
                    $(Self::$variant => &FunctionSpec {
                        name: $name,
                        arguments: &[$(Kind::$kind),*],
                        arguments_min: $min,
                        arguments_max: $max,
                        returns: Kind::$returns,
                    }),*
                }
            }

            /// The function of a name; names are case-sensitive.
            pub fn of_name(name: &str) -> Option<Self> {
                match name { $($name => Some(Self::$variant),)* _ => None }
            }
        }
    };
}

functions! {
    Abs "abs" (Vector) 1..=Some(1) => Vector;
    Absent "absent" (Vector) 1..=Some(1) => Vector;
    AbsentOverTime "absent_over_time" (Range) 1..=Some(1) => Vector;
    Acos "acos" (Vector) 1..=Some(1) => Vector;
    Acosh "acosh" (Vector) 1..=Some(1) => Vector;
    Asin "asin" (Vector) 1..=Some(1) => Vector;
    Asinh "asinh" (Vector) 1..=Some(1) => Vector;
    Atan "atan" (Vector) 1..=Some(1) => Vector;
    Atanh "atanh" (Vector) 1..=Some(1) => Vector;
    AvgOverTime "avg_over_time" (Range) 1..=Some(1) => Vector;
    Ceil "ceil" (Vector) 1..=Some(1) => Vector;
    Changes "changes" (Range) 1..=Some(1) => Vector;
    Clamp "clamp" (Vector, Scalar, Scalar) 3..=Some(3) => Vector;
    ClampMax "clamp_max" (Vector, Scalar) 2..=Some(2) => Vector;
    ClampMin "clamp_min" (Vector, Scalar) 2..=Some(2) => Vector;
    Cos "cos" (Vector) 1..=Some(1) => Vector;
    Cosh "cosh" (Vector) 1..=Some(1) => Vector;
    CountOverTime "count_over_time" (Range) 1..=Some(1) => Vector;
    DayOfMonth "day_of_month" (Vector) 0..=Some(1) => Vector;
    DayOfWeek "day_of_week" (Vector) 0..=Some(1) => Vector;
    DayOfYear "day_of_year" (Vector) 0..=Some(1) => Vector;
    DaysInMonth "days_in_month" (Vector) 0..=Some(1) => Vector;
    Deg "deg" (Vector) 1..=Some(1) => Vector;
    Delta "delta" (Range) 1..=Some(1) => Vector;
    Deriv "deriv" (Range) 1..=Some(1) => Vector;
    DoubleExponentialSmoothing "double_exponential_smoothing" (Range, Scalar, Scalar) 3..=Some(3) => Vector;
    End "end" () 0..=Some(0) => Scalar;
    Exp "exp" (Vector) 1..=Some(1) => Vector;
    FirstOverTime "first_over_time" (Range) 1..=Some(1) => Vector;
    Floor "floor" (Vector) 1..=Some(1) => Vector;
    HistogramAvg "histogram_avg" (Vector) 1..=Some(1) => Vector;
    HistogramCount "histogram_count" (Vector) 1..=Some(1) => Vector;
    HistogramFraction "histogram_fraction" (Scalar, Scalar, Vector) 3..=Some(3) => Vector;
    HistogramQuantile "histogram_quantile" (Scalar, Vector) 2..=Some(2) => Vector;
    HistogramQuantiles "histogram_quantiles" (Vector, Text, Scalar, Scalar) 3..=Some(12) => Vector;
    HistogramStddev "histogram_stddev" (Vector) 1..=Some(1) => Vector;
    HistogramStdvar "histogram_stdvar" (Vector) 1..=Some(1) => Vector;
    HistogramSum "histogram_sum" (Vector) 1..=Some(1) => Vector;
    Hour "hour" (Vector) 0..=Some(1) => Vector;
    Idelta "idelta" (Range) 1..=Some(1) => Vector;
    Increase "increase" (Range) 1..=Some(1) => Vector;
    Info "info" (Vector, Vector) 1..=Some(2) => Vector;
    Irate "irate" (Range) 1..=Some(1) => Vector;
    LabelJoin "label_join" (Vector, Text, Text, Text) 3..=None => Vector;
    LabelReplace "label_replace" (Vector, Text, Text, Text, Text) 5..=Some(5) => Vector;
    LastOverTime "last_over_time" (Range) 1..=Some(1) => Vector;
    Ln "ln" (Vector) 1..=Some(1) => Vector;
    Log10 "log10" (Vector) 1..=Some(1) => Vector;
    Log2 "log2" (Vector) 1..=Some(1) => Vector;
    MadOverTime "mad_over_time" (Range) 1..=Some(1) => Vector;
    MaxOf "max_of" (Scalar, Scalar) 2..=Some(2) => Scalar;
    MaxOverTime "max_over_time" (Range) 1..=Some(1) => Vector;
    MinOf "min_of" (Scalar, Scalar) 2..=Some(2) => Scalar;
    MinOverTime "min_over_time" (Range) 1..=Some(1) => Vector;
    Minute "minute" (Vector) 0..=Some(1) => Vector;
    Month "month" (Vector) 0..=Some(1) => Vector;
    Pi "pi" () 0..=Some(0) => Scalar;
    PredictLinear "predict_linear" (Range, Scalar) 2..=Some(2) => Vector;
    PresentOverTime "present_over_time" (Range) 1..=Some(1) => Vector;
    QuantileOverTime "quantile_over_time" (Scalar, Range) 2..=Some(2) => Vector;
    Rad "rad" (Vector) 1..=Some(1) => Vector;
    Range "range" () 0..=Some(0) => Scalar;
    Rate "rate" (Range) 1..=Some(1) => Vector;
    Resets "resets" (Range) 1..=Some(1) => Vector;
    Round "round" (Vector, Scalar) 1..=Some(2) => Vector;
    Scalar "scalar" (Vector) 1..=Some(1) => Scalar;
    Sgn "sgn" (Vector) 1..=Some(1) => Vector;
    Sin "sin" (Vector) 1..=Some(1) => Vector;
    Sinh "sinh" (Vector) 1..=Some(1) => Vector;
    Sort "sort" (Vector) 1..=Some(1) => Vector;
    SortByLabel "sort_by_label" (Vector, Text) 1..=None => Vector;
    SortByLabelDesc "sort_by_label_desc" (Vector, Text) 1..=None => Vector;
    SortDesc "sort_desc" (Vector) 1..=Some(1) => Vector;
    Sqrt "sqrt" (Vector) 1..=Some(1) => Vector;
    Start "start" () 0..=Some(0) => Scalar;
    StartTimestamp "start_timestamp" (Vector) 1..=Some(1) => Vector;
    StddevOverTime "stddev_over_time" (Range) 1..=Some(1) => Vector;
    StdvarOverTime "stdvar_over_time" (Range) 1..=Some(1) => Vector;
    Step "step" () 0..=Some(0) => Scalar;
    SumOverTime "sum_over_time" (Range) 1..=Some(1) => Vector;
    Tan "tan" (Vector) 1..=Some(1) => Vector;
    Tanh "tanh" (Vector) 1..=Some(1) => Vector;
    Time "time" () 0..=Some(0) => Scalar;
    Timestamp "timestamp" (Vector) 1..=Some(1) => Vector;
    TsOfFirstOverTime "ts_of_first_over_time" (Range) 1..=Some(1) => Vector;
    TsOfLastOverTime "ts_of_last_over_time" (Range) 1..=Some(1) => Vector;
    TsOfMaxOverTime "ts_of_max_over_time" (Range) 1..=Some(1) => Vector;
    TsOfMinOverTime "ts_of_min_over_time" (Range) 1..=Some(1) => Vector;
    Vector "vector" (Scalar) 1..=Some(1) => Vector;
    Year "year" (Vector) 0..=Some(1) => Vector;
}
