// All of the page. main.ts brings it once the mark is on the screen.

import './app.css';
import './ui/look';

import { QueryClientProvider } from '@tanstack/react-query';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { BrowserRouter } from 'react-router';

import { base } from './api/base';
import { makeQueryClient } from './api/queries';
import { languageReady } from './i18n';
import { keepPage } from './offline';
import { App } from './shell/App';

const queries = makeQueryClient();

keepPage();
void languageReady.then(() => {
  createRoot(document.getElementById('root')!).render(
    <StrictMode>
      <QueryClientProvider client={queries}>
        <BrowserRouter basename={base || '/'}>
          <App />
        </BrowserRouter>
      </QueryClientProvider>
    </StrictMode>,
  );
});
