import './not-there.mjs';
export default () => undefined;
