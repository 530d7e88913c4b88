const secret = process.env.NO_SUCH_SECRET
if (secret === undefined) throw new Error('NO_SUCH_SECRET is not set')
export default {}
