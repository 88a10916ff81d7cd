//! A table in a Parquet file: columns that are filled in memory and written a row group at a time.

use std::io;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;
use parquet::basic::{Compression, Encoding, Type as PhysicalType, ZstdLevel};
use parquet::data_type::{BoolType, ByteArray, ByteArrayType, DataType, DoubleType, FloatType, Int32Type, Int64Type};
use parquet::errors::ParquetError;
use parquet::file::properties::{EnabledStatistics, WriterProperties, WriterPropertiesBuilder};
use parquet::file::writer::{SerializedFileWriter, SerializedRowGroupWriter};
use parquet::schema::parser::parse_message_type;
use parquet::schema::types::{ColumnPath, TypePtr};

use crate::error::Error;
use crate::folder::{Folder, Output};
use crate::manifest::span;

/// A row group is at least so large before it is written: some megabytes.
const GROUP_ROWS: usize = 1 << 15;

/// A table of some people. Its file is made when there is a first row.
pub(crate) struct Table<'a> {
    folder: &'a Folder,
    path: String,
    schema: TypePtr,
    columns: Vec<Column>,
    /// How many rows the columns hold.
    rows: usize,
    file: Option<(PathBuf, SerializedFileWriter<Output<'a>>)>,
}

/// The values of a column that are not written yet.
enum Column {
    Boolean(Vec<bool>),
    Int32(Vec<i32>),
    Int64(Vec<i64>, Levels),
    Float(Vec<f32>),
    Double(Vec<f64>, Levels),
    Text(Vec<ByteArray>),
}

/// For each row whether there is a value (1) or none (0), when a column may lack some.
type Levels = Option<Vec<i16>>;

impl<'a> Table<'a> {
    /// A table with a schema that is one of this program.
    pub(crate) fn new(folder: &'a Folder, users: &Range<u32>, schema: &str) -> Self {
        let schema = Arc::new(parse_message_type(schema).expect("the schemas are valid constants"));
        let path = format!("parquet/{}/users-{}.parquet", schema.name(), span(users));
        let columns = schema.get_fields().iter().map(|field| {
            let levels = field.is_optional().then(Vec::new);
            match field.get_physical_type() {
                PhysicalType::BOOLEAN => Column::Boolean(Vec::new()),
                PhysicalType::INT32 => Column::Int32(Vec::new()),
                PhysicalType::INT64 => Column::Int64(Vec::new(), levels),
                PhysicalType::FLOAT => Column::Float(Vec::new()),
                PhysicalType::DOUBLE => Column::Double(Vec::new(), levels),
                _ => Column::Text(Vec::new()),
            }
        });
        Self { folder, path, columns: columns.collect(), schema, rows: 0, file: None }
    }

    /// Takes `rows` rows, column after column.
    pub(crate) fn rows(&mut self, rows: usize) -> Rows<'_> {
        self.rows += rows;
        Rows { columns: self.columns.iter_mut() }
    }

    /// Writes what is held when it is enough for a row group.
    pub(crate) fn flush_if_full(&mut self) -> Result<(), Error> {
        if self.rows >= GROUP_ROWS { self.flush() } else { Ok(()) }
    }

    fn flush(&mut self) -> Result<(), Error> {
        if self.file.is_none() {
            let output = self.folder.create(self.path.clone())?;
            let target = output.target().to_owned();
            let properties = Arc::new(properties(&self.schema));
            let writer = SerializedFileWriter::new(output, self.schema.clone(), properties);
            self.file = Some((target.clone(), writer.map_err(|error| failed(&target, error))?));
        }
        let (target, file) = self.file.as_mut().expect("it was just made");
        let mut group = file.next_row_group().map_err(|error| failed(target, error))?;
        for column in &mut self.columns {
            column.write(&mut group).map_err(|error| failed(target, error))?;
        }
        group.close().map_err(|error| failed(target, error))?;
        self.rows = 0;
        Ok(())
    }

    /// Writes what is held, and ends the file.
    pub(crate) fn finish(mut self) -> Result<(), Error> {
        if self.rows > 0 {
            self.flush()?;
        }
        match self.file {
            Some((target, writer)) => writer.into_inner().map_err(|error| failed(&target, error))?.commit(),
            None => Ok(()),
        }
    }
}

/// Takes the rows of a table, one column after the other in the order of its schema.
pub(crate) struct Rows<'a> {
    columns: std::slice::IterMut<'a, Column>,
}

macro_rules! take {
    ($($(#[$about:meta])* $name:ident: $Variant:ident($Type:ty);)*) => {
        $($(#[$about])*
        pub(crate) fn $name(&mut self, column: impl Iterator<Item = $Type>) {
            match self.columns.next() {
                Some(Column::$Variant(values, ..)) => values.extend(column),
                _ => unreachable!("columns are filled in the order of the schema"),
            }
        })*
    };
}

impl Rows<'_> {
    take! {
        boolean: Boolean(bool);
        int32: Int32(i32);
        int64: Int64(i64);
        float: Float(f32);
        double: Double(f64);
    }

    pub(crate) fn text(&mut self, column: impl Iterator<Item = &'static str>) {
        match self.columns.next() {
            // Words of the program are not copied.
            Some(Column::Text(values)) => {
                values.extend(column.map(|word| ByteArray::from(Bytes::from_static(word.as_bytes()))));
            }
            _ => unreachable!("columns are filled in the order of the schema"),
        }
    }

    /// Texts that are not words of the program.
    pub(crate) fn texts(&mut self, column: impl Iterator<Item: Into<ByteArray>>) {
        match self.columns.next() {
            Some(Column::Text(values)) => values.extend(column.map(Into::into)),
            _ => unreachable!("columns are filled in the order of the schema"),
        }
    }

    pub(crate) fn optional_int64(&mut self, column: impl Iterator<Item = Option<i64>>) {
        match self.columns.next() {
            Some(Column::Int64(values, Some(levels))) => extend(values, levels, column),
            _ => unreachable!("columns are filled in the order of the schema"),
        }
    }

    pub(crate) fn optional_double(&mut self, column: impl Iterator<Item = Option<f64>>) {
        match self.columns.next() {
            Some(Column::Double(values, Some(levels))) => extend(values, levels, column),
            _ => unreachable!("columns are filled in the order of the schema"),
        }
    }
}

fn extend<T>(values: &mut Vec<T>, levels: &mut Vec<i16>, column: impl Iterator<Item = Option<T>>) {
    for value in column {
        levels.push(value.is_some().into());
        values.extend(value);
    }
}

type Group<'a, 'b> = SerializedRowGroupWriter<'a, Output<'b>>;

impl Column {
    fn write(&mut self, group: &mut Group<'_, '_>) -> Result<(), ParquetError> {
        match self {
            Self::Boolean(values) => write::<BoolType>(group, values, &mut None),
            Self::Int32(values) => write::<Int32Type>(group, values, &mut None),
            Self::Int64(values, levels) => write::<Int64Type>(group, values, levels),
            Self::Float(values) => write::<FloatType>(group, values, &mut None),
            Self::Double(values, levels) => write::<DoubleType>(group, values, levels),
            Self::Text(values) => write::<ByteArrayType>(group, values, &mut None),
        }
    }
}

fn write<T: DataType>(
    group: &mut Group<'_, '_>,
    values: &mut Vec<T::T>,
    levels: &mut Levels,
) -> Result<(), ParquetError> {
    let mut column = group.next_column()?.expect("a group has the columns of the schema");
    column.typed::<T>().write_batch(values, levels.as_deref(), None)?;
    values.clear();
    if let Some(levels) = levels {
        levels.clear();
    }
    column.close()
}

/// Whole numbers change little from row to row, so that little is left to compress; the rest has few values, or is noise.
fn properties(schema: &TypePtr) -> WriterProperties {
    let properties = WriterProperties::builder()
        .set_compression(zstd())
        .set_statistics_enabled(EnabledStatistics::Chunk)
        .set_created_by(concat!("rushhour ", env!("CARGO_PKG_VERSION")).to_owned());
    let fields = schema.get_fields().iter();
    fields.fold(properties, encoded).build()
}

fn zstd() -> Compression {
    Compression::ZSTD(ZstdLevel::try_new(1).expect("the level is a valid constant"))
}

fn encoded(properties: WriterPropertiesBuilder, field: &TypePtr) -> WriterPropertiesBuilder {
    let path = ColumnPath::from(field.name());
    let (encoding, compression) = match field.get_physical_type() {
        PhysicalType::INT64 | PhysicalType::INT32 => (Encoding::DELTA_BINARY_PACKED, Compression::UNCOMPRESSED),
        PhysicalType::FLOAT => (Encoding::BYTE_STREAM_SPLIT, zstd()),
        _ => return properties,
    };
    properties
        .set_column_dictionary_enabled(path.clone(), false)
        .set_column_compression(path.clone(), compression)
        .set_column_encoding(path, encoding)
}

/// What went wrong below Parquet, when something did.
fn failed(target: &std::path::Path, error: ParquetError) -> Error {
    let source = match error {
        ParquetError::External(error) => match error.downcast::<io::Error>() {
            Ok(error) => *error,
            Err(error) => io::Error::other(error),
        },
        error => io::Error::other(error),
    };
    Error::writing(target)(source)
}
