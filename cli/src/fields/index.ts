export { ENV_FILES, fieldsOf, type Field, type FieldKind } from './field.ts';
export { checkValues, labelOf, readValues, type Typed } from './values.ts';
