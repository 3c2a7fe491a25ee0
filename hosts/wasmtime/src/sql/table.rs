//! Statements on Nova's tables. Each table declares its columns once, for SELECT, INSERT and the reading of rows.

use nova_compute_utils::Release;
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Map, Value as Json};
use sqlx::any::{AnyArguments, AnyRow};
use sqlx::query::Query;
use sqlx::{Any, AssertSqlSafe, Error, Executor, Row as _};

use super::{Dialect, SqlConductor};
use crate::datetime;

/// The type of a column.
#[derive(Clone, Copy, Debug)]
pub(super) enum Kind {
    Text,
    /// Text that a person reads. What is not UTF-8 in it becomes a replacement character.
    LongText,
    /// JSON text, which Nova also parses from bytes.
    Json,
    Integer,
    /// An integer for which null counts as 0.
    Counter,
    Boolean,
    Timestamp,
}

/// A column of a table.
#[derive(Clone, Copy, Debug)]
pub(super) struct Column {
    pub name: &'static str,
    pub kind: Kind,
}

/// A row of a Nova table: a struct with a field per column.
pub(super) trait Table: Serialize + DeserializeOwned {
    const NAME: &'static str;
    const COLUMNS: &'static [Column];
    /// The columns that the table lacks in `grizzly`.
    const HIBISCUS_ONLY: &'static [&'static str] = &[];

    fn has_column(name: &str, release: Release) -> bool {
        match release {
            Release::Grizzly => !Self::HIBISCUS_ONLY.contains(&name),
            Release::Hibiscus => true,
        }
    }
}

/// Declares columns: `name: Kind`.
macro_rules! columns {
    ($($name:ident: $kind:ident),* $(,)?) => {
        [$($crate::sql::table::Column { name: stringify!($name), kind: $crate::sql::table::Kind::$kind }),*]
    };
}

pub(super) use columns;

/// The selected columns of a row, undecoded: one bad value must not hide the other rows.
#[derive(Debug)]
pub(super) struct Row {
    /// The first letter of each value's type.
    types: String,
    values: Vec<Option<Vec<u8>>>,
}

impl Row {
    /// Reads a row of the expressions that [`SqlConductor::expressions`] returns.
    fn new(row: &AnyRow) -> Result<Self, Error> {
        let values = (1..row.len()).map(|index| row.try_get(index)).collect::<Result<_, _>>()?;
        Ok(Self { types: row.try_get(0)?, values })
    }

    /// Returns the undecoded value of a column; `None` for null.
    pub(super) fn bytes(&self, index: usize) -> Option<&[u8]> {
        self.values.get(index)?.as_deref()
    }

    /// Returns the value of a column if it is UTF-8 text.
    pub(super) fn text(&self, index: usize) -> Option<String> {
        let is_text = self.types.as_bytes().get(index) == Some(&b't');
        let bytes = self.bytes(index).filter(|_| is_text)?;
        String::from_utf8(bytes.to_vec()).ok()
    }

    /// Returns the value of a column if it is an integer.
    pub(super) fn integer(&self, index: usize) -> Option<i64> {
        str::from_utf8(self.bytes(index)?).ok()?.parse().ok()
    }

    /// Decodes the columns as a JSON object. Reads what Nova reads: SQLite stores any type of value in any column.
    pub(super) fn document(&self, columns: &[Column]) -> Result<Map<String, Json>, Unreadable> {
        let member = |(index, column): (usize, &Column)| match self.value(index, column.kind) {
            Ok(value) => Ok((column.name.to_owned(), value)),
            Err(problem) => Err(Unreadable { column: column.name, problem }),
        };
        columns.iter().enumerate().map(member).collect()
    }

    fn value(&self, index: usize, kind: Kind) -> Result<Json, &'static str> {
        let Some(bytes) = self.bytes(index) else {
            return Ok(if matches!(kind, Kind::Counter) { 0.into() } else { Json::Null });
        };
        let letter = self.types.as_bytes().get(index).copied().unwrap_or_default();
        let text = || str::from_utf8(bytes).map_err(|_| "is not UTF-8 text");
        Ok(match kind {
            Kind::LongText => String::from_utf8_lossy(bytes).into(),
            Kind::Text if letter == b'b' => return Err("is not text"),
            Kind::Text | Kind::Json => text()?.into(),
            Kind::Integer | Kind::Counter => integer(bytes, letter).ok_or("is not an integer")?.into(),
            // As Python's `bool`, to which SQLAlchemy converts the value.
            Kind::Boolean => match letter {
                b'i' | b'r' => text()?.parse() != Ok(0.0),
                b't' => !text()?.is_empty(),
                _ => !bytes.is_empty(),
            }
            .into(),
            Kind::Timestamp => {
                let time = text().ok().filter(|_| letter == b't').and_then(datetime::parse_row);
                datetime::isoformat(time.ok_or("is not a timestamp")?).into()
            }
        })
    }
}

/// Converts a value to an integer, as Nova does with Python's `int`, which drops the fraction.
fn integer(bytes: &[u8], letter: u8) -> Option<i64> {
    let text = str::from_utf8(bytes).ok()?;
    match letter {
        b'i' => text.parse().ok(),
        b't' => text.trim().parse().ok(),
        #[expect(clippy::cast_possible_truncation, reason = "the filter keeps the integers of 64 bits")]
        b'r' => text.parse().ok().filter(|number: &f64| number.abs() < 9_223_372_036_854_775_807.0).map(|it| it as i64),
        _ => None,
    }
}

/// A value that cannot be decoded.
#[derive(Clone, Copy, Debug)]
pub(super) struct Unreadable {
    pub column: &'static str,
    /// What is wrong with it, such as `is not UTF-8 text`.
    pub problem: &'static str,
}

/// A value for a placeholder.
#[derive(Clone, Debug)]
pub(super) enum Value {
    Text(Option<String>),
    Integer(Option<i64>),
    /// A timestamp in any form that [`datetime::parse`] accepts.
    Timestamp(Option<String>),
    /// The number that an UPDATE adds to the value in the row.
    Increment(i64),
    Bytes(Vec<u8>),
}

impl Value {
    fn new(value: &Json, kind: Kind) -> Self {
        let text = || value.as_str().map(str::to_owned);
        match kind {
            Kind::Text | Kind::LongText | Kind::Json => Self::Text(text()),
            Kind::Timestamp => Self::Timestamp(text()),
            Kind::Boolean => Self::Integer(value.as_bool().map(i64::from)),
            Kind::Integer | Kind::Counter => Self::Integer(value.as_i64()),
        }
    }

    fn placeholder(&self, dialect: Dialect) -> &'static str {
        match self {
            Self::Timestamp(_) => dialect.timestamp(),
            _ => "?",
        }
    }

    fn bind(self, query: Query<'_, Any, AnyArguments>) -> Query<'_, Any, AnyArguments> {
        match self {
            Self::Text(text) => query.bind(text),
            Self::Integer(number) => query.bind(number),
            Self::Timestamp(text) => query.bind(text.map(|text| datetime::parse(&text).map_or(text, datetime::sql))),
            Self::Increment(number) => query.bind(number),
            Self::Bytes(bytes) => query.bind(bytes),
        }
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(Some(text.to_owned()))
    }
}

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Self::Integer(Some(number))
    }
}

/// A timestamp for a placeholder.
pub(super) fn timestamp(text: &str) -> Value {
    Value::Timestamp(Some(text.to_owned()))
}

/// The conditions of a statement, joined by AND, and the values of their placeholders.
#[derive(Debug)]
pub(super) struct Condition {
    dialect: Dialect,
    sql: Vec<String>,
    values: Vec<Value>,
}

impl Condition {
    pub(super) fn equal(self, column: &str, value: impl Into<Value>) -> Self {
        match value.into() {
            Value::Text(None) => self.and(format!("{column} IS NULL"), []),
            value => self.compare(column, "=", value),
        }
    }

    pub(super) fn compare(self, column: &str, operator: &str, value: Value) -> Self {
        let placeholder = value.placeholder(self.dialect);
        self.and(format!("{column} {operator} {placeholder}"), [value])
    }

    /// Requires that at least one of the columns is null or later than `time`.
    pub(super) fn null_or_later<const N: usize>(self, columns: [&str; N], time: &str) -> Self {
        let placeholder = self.dialect.timestamp();
        let sql = columns.map(|column| format!("{column} IS NULL OR {column} > {placeholder}"));
        self.and(format!("({})", sql.join(" OR ")), vec![timestamp(time); N])
    }

    pub(super) fn one_of(self, column: &str, texts: &[impl AsRef<str>]) -> Self {
        let placeholders = vec!["?"; texts.len()].join(", ");
        self.and(format!("{column} IN ({placeholders})"), texts.iter().map(|text| text.as_ref().into()))
    }

    /// Adds a condition in SQL and the values of its placeholders.
    pub(super) fn and(mut self, sql: impl Into<String>, values: impl IntoIterator<Item = Value>) -> Self {
        self.sql.push(sql.into());
        self.values.extend(values);
        self
    }

    /// Adds the conditions of `inner` between the SQL text of `before` and `after`.
    pub(super) fn nested(self, before: &str, inner: Self, after: &str) -> Self {
        let sql = format!("{before}{}{after}", inner.sql.join(" AND "));
        self.and(sql, inner.values)
    }
}

impl SqlConductor {
    /// Returns an empty condition. The caller adds at least one part, because a statement with an empty one is invalid.
    pub(super) fn condition(&self) -> Condition {
        Condition { dialect: self.dialect, sql: Vec::new(), values: Vec::new() }
    }

    /// Returns a condition that leaves out soft-deleted rows, as Nova does by default.
    pub(super) fn live(&self) -> Condition {
        self.condition().equal("deleted", 0)
    }

    /// Returns whether a table of the database has a column that the release uses.
    fn has_column<T: Table>(&self, name: &str) -> bool {
        T::has_column(name, self.release) && self.tables.has(T::NAME, name)
    }

    /// Reads the matching rows. `order` is the end of the statement, such as `ORDER BY id`.
    pub(super) async fn select<'c, T: Table>(
        &self,
        executor: impl Executor<'c, Database = Any>,
        condition: Condition,
        order: &str,
    ) -> Result<Vec<T>, Error> {
        let expressions =
            self.expressions(T::COLUMNS.iter().map(|column| (column.name, self.has_column::<T>(column.name))));
        let rows = self.select_expressions(executor, &expressions, T::NAME, condition, order).await?;
        let read = |row: &Row| {
            let document = row.document(T::COLUMNS).map_err(|Unreadable { column, problem }| {
                Error::Decode(format!("the column `{}.{column}` of a row {problem}", T::NAME).into())
            })?;
            serde_json::from_value(document.into()).map_err(|error| Error::Decode(error.into()))
        };
        rows.iter().map(read).collect()
    }

    /// Reads columns of the matching rows. A column that the table lacks is null.
    pub(super) async fn select_columns<'c>(
        &self,
        executor: impl Executor<'c, Database = Any>,
        columns: &[Column],
        table: &str,
        condition: Condition,
        order: &str,
    ) -> Result<Vec<Row>, Error> {
        let expressions =
            self.expressions(columns.iter().map(|column| (column.name, self.tables.has(table, column.name))));
        self.select_expressions(executor, &expressions, table, condition, order).await
    }

    /// Returns the expressions that [`Row::new`] reads, of columns that exist or that are null.
    pub(super) fn expressions<'a>(&self, columns: impl Iterator<Item = (&'a str, bool)>) -> String {
        let one = |(name, exists): (&str, bool)| {
            let (letter, bytes) = (self.dialect.type_letter(name), self.dialect.bytes(name));
            if exists { (letter, bytes) } else { ("'n'".to_owned(), "NULL".to_owned()) }
        };
        let (letters, bytes): (Vec<_>, Vec<_>) = columns.map(one).unzip();
        format!("{}, {}", letters.join(" || "), bytes.join(", "))
    }

    /// Reads expressions of [`Self::expressions`] from the matching rows.
    pub(super) async fn select_expressions<'c>(
        &self,
        executor: impl Executor<'c, Database = Any>,
        expressions: &str,
        table: &str,
        condition: Condition,
        order: &str,
    ) -> Result<Vec<Row>, Error> {
        let condition_sql = condition.sql.join(" AND ");
        let sql = format!("SELECT {expressions} FROM {table} WHERE {condition_sql} {order}");
        self.query(sql, condition.values).fetch_all(executor).await?.iter().map(Row::new).collect()
    }

    /// Returns the number of matching rows.
    pub(super) async fn count(&self, table: &str, condition: Condition) -> Result<i64, Error> {
        let sql = format!("SELECT COUNT(*) FROM {table} WHERE {}", condition.sql.join(" AND "));
        self.query(sql, condition.values).fetch_one(&self.pool).await?.try_get(0)
    }

    /// Returns the names and values of a row's columns, except those that the database or [`Self::insert`] fills in.
    pub(super) fn values<T: Table>(&self, row: &T) -> Result<Vec<(&'static str, Value)>, Error> {
        let row = serde_json::to_value(row).map_err(|error| Error::Encode(error.into()))?;
        let columns = T::COLUMNS.iter().filter(|column| {
            !["id", "created_at", "deleted"].contains(&column.name) && self.has_column::<T>(column.name)
        });
        Ok(columns.map(|column| (column.name, Value::new(&row[column.name], column.kind))).collect())
    }

    /// Inserts a row. The database chooses `id`; `created_at` is the current time.
    pub(super) async fn insert<'c, T: Table>(
        &self,
        executor: impl Executor<'c, Database = Any>,
        row: &T,
    ) -> Result<(), Error> {
        self.insert_at(executor, row, &self.now()).await
    }

    /// Inserts a row with this `created_at`.
    pub(super) async fn insert_at<'c, T: Table>(
        &self,
        executor: impl Executor<'c, Database = Any>,
        row: &T,
        created_at: &str,
    ) -> Result<(), Error> {
        let added = [("created_at", timestamp(created_at)), ("deleted", 0.into())];
        let (columns, values): (Vec<_>, Vec<_>) = self.values(row)?.into_iter().chain(added).unzip();
        let placeholders: Vec<_> = values.iter().map(|value| value.placeholder(self.dialect)).collect();
        let sql = format!("INSERT INTO {} ({}) VALUES ({})", T::NAME, columns.join(", "), placeholders.join(", "));
        self.query(sql, values).execute(executor).await?;
        Ok(())
    }

    /// Updates the matching rows and returns their number. Skips columns that the table lacks.
    pub(super) async fn update<'c, T: Table>(
        &self,
        executor: impl Executor<'c, Database = Any>,
        changes: Vec<(&str, Value)>,
        condition: Condition,
    ) -> Result<u64, Error> {
        let changes = changes.into_iter().filter(|(name, _)| self.has_column::<T>(name));
        let (assignments, mut values): (Vec<_>, Vec<_>) = changes
            .map(|(name, value)| {
                let placeholder = value.placeholder(self.dialect);
                let added = if matches!(value, Value::Increment(_)) { format!("{name} + ") } else { String::new() };
                (format!("{name} = {added}{placeholder}"), value)
            })
            .unzip();
        values.extend(condition.values);
        let sql = format!("UPDATE {} SET {} WHERE {}", T::NAME, assignments.join(", "), condition.sql.join(" AND "));
        Ok(self.query(sql, values).execute(executor).await?.rows_affected())
    }

    fn query(&self, sql: String, values: Vec<Value>) -> Query<'static, Any, AnyArguments> {
        let query = sqlx::query(AssertSqlSafe(self.dialect.placeholders(sql)));
        values.into_iter().fold(query, |query, value| value.bind(query))
    }
}
