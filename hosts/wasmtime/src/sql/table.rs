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
    /// Text of any length, read as bytes: invalid UTF-8 in one row must not hide the other rows.
    LongText,
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

/// Reads selected columns as a JSON object.
pub(super) fn document(row: &AnyRow, columns: &[Column]) -> Result<Map<String, Json>, Error> {
    let value = |(index, Column { name, kind }): (usize, &Column)| {
        let value: Json = match kind {
            Kind::Text => row.try_get::<Option<String>, _>(index)?.into(),
            Kind::LongText => {
                let bytes: Option<Vec<u8>> = row.try_get(index)?;
                bytes.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).into()
            }
            Kind::Integer => row.try_get::<Option<i64>, _>(index)?.into(),
            Kind::Counter => row.try_get::<Option<i64>, _>(index)?.unwrap_or_default().into(),
            Kind::Boolean => row.try_get::<Option<i64>, _>(index)?.map(|value| value != 0).into(),
            // An unparseable timestamp passes through unchanged; the reader of the document reports it.
            Kind::Timestamp => {
                let text: Option<String> = row.try_get(index)?;
                text.map(|text| datetime::parse(&text).map_or(text, datetime::isoformat)).into()
            }
        };
        Ok(((*name).to_owned(), value))
    };
    columns.iter().enumerate().map(value).collect()
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
}

impl Value {
    fn new(value: &Json, kind: Kind) -> Self {
        let text = || value.as_str().map(str::to_owned);
        match kind {
            Kind::Text | Kind::LongText => Self::Text(text()),
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

    /// Reads the matching rows. `order` is the end of the statement, such as `ORDER BY id`.
    pub(super) async fn select<'c, T: Table>(
        &self,
        executor: impl Executor<'c, Database = Any>,
        condition: Condition,
        order: &str,
    ) -> Result<Vec<T>, Error> {
        let columns = T::COLUMNS.iter().map(|column| {
            let exists = T::has_column(column.name, self.release);
            if exists { self.dialect.expression(T::NAME, column) } else { "NULL".to_owned() }
        });
        let columns = columns.collect::<Vec<_>>().join(", ");
        let rows = self.select_expressions(executor, &columns, T::NAME, condition, order).await?;
        let read = |row| {
            serde_json::from_value(document(row, T::COLUMNS)?.into()).map_err(|error| Error::Decode(error.into()))
        };
        rows.iter().map(read).collect()
    }

    pub(super) async fn select_expressions<'c>(
        &self,
        executor: impl Executor<'c, Database = Any>,
        expressions: &str,
        table: &str,
        condition: Condition,
        order: &str,
    ) -> Result<Vec<AnyRow>, Error> {
        let condition_sql = condition.sql.join(" AND ");
        let sql = format!("SELECT {expressions} FROM {table} WHERE {condition_sql} {order}");
        self.query(sql, condition.values).fetch_all(executor).await
    }

    /// Returns the names and values of a row's columns, except those that the database or [`Self::insert`] fills in.
    pub(super) fn values<T: Table>(&self, row: &T) -> Result<Vec<(&'static str, Value)>, Error> {
        let row = serde_json::to_value(row).map_err(|error| Error::Encode(error.into()))?;
        let columns = T::COLUMNS.iter().filter(|column| {
            !["id", "created_at", "deleted"].contains(&column.name) && T::has_column(column.name, self.release)
        });
        Ok(columns.map(|column| (column.name, Value::new(&row[column.name], column.kind))).collect())
    }

    /// Inserts a row. The database chooses `id`; `created_at` is the current time.
    pub(super) async fn insert<'c, T: Table>(
        &self,
        executor: impl Executor<'c, Database = Any>,
        row: &T,
    ) -> Result<(), Error> {
        let added = [("created_at", timestamp(&self.now())), ("deleted", 0.into())];
        let (columns, values): (Vec<_>, Vec<_>) = self.values(row)?.into_iter().chain(added).unzip();
        let placeholders: Vec<_> = values.iter().map(|value| value.placeholder(self.dialect)).collect();
        let sql = format!("INSERT INTO {} ({}) VALUES ({})", T::NAME, columns.join(", "), placeholders.join(", "));
        self.query(sql, values).execute(executor).await?;
        Ok(())
    }

    /// Updates the matching rows and returns their number. Skips columns that the table lacks in this release.
    pub(super) async fn update<'c, T: Table>(
        &self,
        executor: impl Executor<'c, Database = Any>,
        changes: Vec<(&str, Value)>,
        condition: Condition,
    ) -> Result<u64, Error> {
        let changes = changes.into_iter().filter(|(name, _)| T::has_column(name, self.release));
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
