import { defineConfig } from 'headgate'

export default defineConfig({
  sites: {
    '*': [{ origin: 'app' }],
  },
  drainTimeout: 'tomorrow',
})
